#include "ids.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fail.h"
#include "layers.h"

/* Each zygote takes the block of its launcher's pid, which no other process has at the same time. */
struct id_plan plan_ids(const struct launcher_options *options) {
  const unsigned long block = CHILDREN_PER_ZYGOTE + 1;
  const unsigned long blocks = options->uid_count / block;
  struct id_plan plan = {0, 0};
  if (blocks == 0) return plan;
  plan.first_outside = options->first_uid + (unsigned long)getpid() % blocks * block;
  plan.children_have_ids = 1;
  return plan;
}

static void write_map(pid_t process, const char *name, const char *text) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/%s", process, name);
  const int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0 || write(fd, text, strlen(text)) < 0)
    fail(path,
         "ids of sandbox.uids have to be in the host's own uid_map and gid_map, and it needs CAP_SETUID and "
         "CAP_SETGID; without sandbox.uids children go without ids of their own where there are none");
  close(fd);
}

void write_id_maps(pid_t process, const struct id_plan *plan) {
  char uids[128], gids[128];
  if (plan->children_have_ids) {
    snprintf(uids, sizeof uids, "0 %u 1\n1 %lu %d\n", getuid(), plan->first_outside, CHILDREN_PER_ZYGOTE + 1);
    snprintf(gids, sizeof gids, "0 %u 1\n1 %lu %d\n", getgid(), plan->first_outside, CHILDREN_PER_ZYGOTE + 1);
  } else {
    /* Without privileges one may map oneself and nobody else, and give up setgroups(2). */
    snprintf(uids, sizeof uids, "0 %u 1\n", getuid());
    snprintf(gids, sizeof gids, "0 %u 1\n", getgid());
    write_map(process, "setgroups", "deny");
  }
  write_map(process, "uid_map", uids);
  write_map(process, "gid_map", gids);
}

int child_id(const struct launcher_options *options, const struct id_plan *plan, int slot) {
  if (!plan->children_have_ids) return -1;
  return options->layers & LAYER_USER ? 1 + slot : (int)(plan->first_outside + (unsigned long)slot);
}

int stub_id(const struct launcher_options *options, const struct id_plan *plan) {
  return child_id(options, plan, CHILDREN_PER_ZYGOTE);
}
