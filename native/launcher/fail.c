#include "fail.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void fail(const char *call, const char *what_to_change) {
  dprintf(STDERR_FILENO, "nodespawner-launcher: %s: %s (errno %d)%s%s\n", call, strerror(errno), errno,
          *what_to_change ? "; " : "", what_to_change);
  _exit(EXIT_SETUP);
}
