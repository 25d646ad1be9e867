/* The command line of the launcher. Mechanism only: everything that is decided is decided by who calls it. */
#pragma once

#include <sys/types.h>

#include "stub_protocol.h"

enum { MAX_BINDS = 64 };

struct launcher_options {
  pid_t host;                          /* --host=PID */
  unsigned layers;                     /* --layers=BITS, of layers.h */
  unsigned long first_uid, uid_count;  /* --child-ids=FIRST:COUNT, outside; COUNT 0: children keep the host's */
  unsigned long tmp_bytes, tmp_inodes; /* --tmp=BYTES:INODES */
  int tmp_exec;                        /* --tmp-exec */
  const char *binds[MAX_BINDS];        /* --bind=PATH, read-only under the same path */
  int bind_count;
  const char *cgroups[STUB_MAX_CGROUPS]; /* --cgroup=DIRECTORY, which may hold memory.*, pids.* or cpu.* files */
  int cgroup_count;
  unsigned long memory_bytes, tasks; /* --memory=BYTES, --tasks=COUNT; 0: unlimited */
  char **command;                    /* what follows --: a program, its argv[0], arguments */
};

/* Exits with a message for words that it does not know. */
struct launcher_options parse_options(char **arguments);
