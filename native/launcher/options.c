#include "options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fail.h"
#include "network_options.h"

static const char *value_of(const char *argument, const char *name) {
  const size_t length = strlen(name);
  return strncmp(argument, name, length) == 0 && argument[length] == '=' ? argument + length + 1 : NULL;
}

static void two_numbers(const char *text, unsigned long *first, unsigned long *second) {
  char *rest;
  *first = strtoul(text, &rest, 10);
  *second = *rest == ':' ? strtoul(rest + 1, NULL, 10) : 0;
}

struct launcher_options parse_options(char **arguments) {
  struct launcher_options options = {0};
  for (char **argument = arguments + 1; *argument; argument++) {
    const char *value;
    if (strcmp(*argument, "--") == 0) {
      options.command = argument + 1;
      break;
    }
    if ((value = value_of(*argument, "--host"))) {
      options.host = atoi(value);
    } else if ((value = value_of(*argument, "--layers"))) {
      options.layers = (unsigned)strtoul(value, NULL, 10);
    } else if ((value = value_of(*argument, "--child-ids"))) {
      two_numbers(value, &options.first_uid, &options.uid_count);
    } else if (strcmp(*argument, "--reuse-networks") == 0) {
      options.reuse_networks = 1;
    } else if ((value = value_of(*argument, "--bind")) && options.bind_count < MAX_BINDS) {
      options.binds[options.bind_count++] = value;
    } else if ((value = value_of(*argument, "--cgroup")) && options.cgroup_count < STUB_MAX_CGROUPS) {
      options.cgroups[options.cgroup_count++] = value;
    } else if ((value = value_of(*argument, "--memory"))) {
      options.memory_bytes = strtoul(value, NULL, 10);
    } else if ((value = value_of(*argument, "--tasks"))) {
      options.tasks = strtoul(value, NULL, 10);
    } else if ((value = value_of(*argument, "--write")) && strchr(value, ':') && options.write_count < MAX_WRITES) {
      options.writes[options.write_count++] = value;
    } else if (!parse_network_option(&options, *argument)) {
      dprintf(STDERR_FILENO, "nodespawner-launcher: bad option %s\n", *argument);
      _exit(EXIT_SETUP);
    }
  }
  if (!options.host || !options.command || !options.command[0] || !options.command[1]) {
    dprintf(STDERR_FILENO, "usage: nodespawner-launcher --host=PID [--OPTION...] -- PROGRAM ARGV0 [ARGUMENT...]\n");
    _exit(EXIT_SETUP);
  }
  return options;
}
