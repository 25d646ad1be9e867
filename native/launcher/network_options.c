#include "network_options.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_NUMBERS = 6 };

/* `--name=1:2:3`, with as many numbers as are asked for. */
static int numbers_of(const char *argument, const char *name, unsigned long *numbers, int count) {
  const size_t length = strlen(name);
  if (strncmp(argument, name, length) != 0 || argument[length] != '=') return 0;
  const char *text = argument + length + 1;
  for (int i = 0; i < count; i++) {
    char *rest;
    numbers[i] = strtoul(text, &rest, 10);
    if (rest == text || *rest != (i == count - 1 ? 0 : ':')) return 0;
    text = rest + 1;
  }
  return 1;
}

int parse_network_option(struct launcher_options *options, const char *argument) {
  unsigned long n[MOST_NUMBERS];
  if (numbers_of(argument, "--network-links", n, 2)) {
    options->link_addresses = (struct address_range){(uint32_t)n[0], (uint32_t)n[1]};
  } else if (numbers_of(argument, "--network-children", n, 2) && n[1] >= 256) {
    options->child_addresses = (struct address_range){(uint32_t)n[0], (uint32_t)n[1]};
  } else if (numbers_of(argument, "--connections", n, 3)) {
    options->connections_each = (uint32_t)n[0];
    options->connections_all = (uint32_t)n[1];
    options->idle_seconds = (uint32_t)n[2];
  } else if (options->blocked_count < MAX_BLOCKED && numbers_of(argument, "--blocked", n, 2) && n[1] <= 32) {
    options->blocked[options->blocked_count++] = (struct network){(uint32_t)n[0], (int)n[1]};
  } else if (options->network_rule_count < MAX_NETWORK_RULES && numbers_of(argument, "--reach", n, 6) && n[1] <= 32) {
    options->network_rules[options->network_rule_count++] = (struct network_rule){
        .address = (uint32_t)n[0],
        .bits = (int)n[1],
        .protocol = (int)n[2],
        .first_port = (uint16_t)n[3],
        .last_port = (uint16_t)n[4],
        .named = n[5] != 0,
    };
  } else {
    return 0;
  }
  return 1;
}
