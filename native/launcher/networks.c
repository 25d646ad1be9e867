#include "networks.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "layers.h"
#include "oldest.h"

/* More than start and end at the same time; each takes some 150 KB of the kernel's memory. */
enum { MOST_SPARE = 16 };

static int spare[MOST_SPARE];
static int spare_count;

int take_network(void) { return take_oldest(spare, &spare_count); }

int open_network(const struct launcher_options *options, pid_t stub) {
  /* Only this layer gives us a /proc in which processes have the numbers that we know them by. */
  const unsigned needed = LAYER_NETWORK | LAYER_FILES;
  if (!options->reuse_networks || (options->layers & needed) != needed) return -1;
  char path[32];
  snprintf(path, sizeof path, "/proc/%d/ns/net", stub);
  return open(path, O_RDONLY | O_CLOEXEC);
}

void give_network_back(int network) {
  if (network < 0) return;
  if (spare_count < MOST_SPARE) {
    spare[spare_count++] = network;
  } else {
    close(network);
  }
}
