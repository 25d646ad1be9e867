#include "stubs.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cgroup.h"
#include "clone.h"
#include "fail.h"
#include "network.h"
#include "networks.h"
#include "oldest.h"
#include "stub.h"

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif

/* More than start and end at the same time; each takes some 250 KB of the kernel's memory. */
enum { MOST_RESTING = 16 };

/* How long descriptors may be in the way of others, in milliseconds. */
enum { IN_FLIGHT_MS = 5000 };

enum { NO_SLOT = -1 };

/* Those that live. */
static struct {
  pid_t pid; /* 0: none */
  int slot;  /* the id of the child that it is for; NO_SLOT while it rests */
  int network;
  int cgroups;
} stubs[CHILDREN_PER_ZYGOTE];

static int resting[MOST_RESTING]; /* indexes of these */
static int resting_count;

static int free_slots[CHILDREN_PER_ZYGOTE]; /* in the order in which they became free */
static int free_slot_count;

static const struct launcher_options *options;
static const struct id_plan *ids;
static int zygote;

void hold_stubs(const struct launcher_options *of, const struct id_plan *plan, int socket) {
  options = of;
  ids = plan;
  zygote = socket;
  for (int slot = 0; slot < CHILDREN_PER_ZYGOTE; slot++) free_slots[free_slot_count++] = slot;
}

/* Descriptors in flight are limited for each user of the machine, all zygotes of one host together (unix(7)). They land
 * as others receive them, so we wait. False if none did. A zygote that is gone needs no message: it is reaped next. */
static int send_to_zygote(const struct stub_message *message, const int *fds, int fd_count) {
  struct iovec part = {(void *)message, sizeof *message};
  union {
    struct cmsghdr header;
    char space[CMSG_SPACE(sizeof(int) * (1 + STUB_MAX_CGROUPS))];
  } control;
  struct msghdr envelope = {.msg_iov = &part, .msg_iovlen = 1};
  if (fd_count) {
    const size_t size = sizeof(int) * (size_t)fd_count;
    memset(&control, 0, sizeof control);
    control.header.cmsg_level = SOL_SOCKET;
    control.header.cmsg_type = SCM_RIGHTS;
    control.header.cmsg_len = CMSG_LEN(size);
    memcpy(CMSG_DATA(&control.header), fds, size);
    envelope.msg_control = &control;
    envelope.msg_controllen = CMSG_SPACE(size);
  }
  for (int waited = 0; sendmsg(zygote, &envelope, MSG_NOSIGNAL) < 0; waited++) {
    if (errno == EINTR) continue;
    if (errno == EPIPE || errno == ECONNRESET) return 1;
    if (errno != ETOOMANYREFS) fail("sendmsg(stub)", "");
    if (waited >= IN_FLIGHT_MS) return 0;
    struct pollfd socket = {zygote, 0, 0};
    if (poll(&socket, 1, 1) > 0) return 1;
  }
  return 1;
}

/* SECURITY: any but those that became free last, so that an id is not given to the next child at once. Which one is
 * left to chance: a child sees its id, and would else count by it how many there have been since an earlier one. */
static int take_slot(void) {
  if (free_slot_count == 0) return NO_SLOT;
  unsigned chance;
  if (getrandom(&chance, sizeof chance, 0) != sizeof chance) fail("getrandom", "");
  const int rested = (free_slot_count * 7 + 7) / 8;
  return take_at(free_slots, &free_slot_count, (int)(chance % (unsigned)rested));
}

static void leave_slot(int slot) { free_slots[free_slot_count++] = slot; }

/* Of the stub with this pid, or of a place for one if it is 0. -1: there is none. */
static int find(pid_t pid) {
  for (int i = 0; i < CHILDREN_PER_ZYGOTE; i++) {
    if (stubs[i].pid == pid) return i;
  }
  return -1;
}

/* Returns its index, or -1 if none rests that a child can have. */
static int take_resting(int *pidfd, int entrances[STUB_MAX_CGROUPS]) {
  for (int index; (index = take_oldest(resting, &resting_count)) >= 0;) {
    *pidfd = (int)syscall(SYS_pidfd_open, stubs[index].pid, 0);
    if (*pidfd >= 0 && !are_cgroups_charged(stubs[index].cgroups) &&
        open_cgroups(stubs[index].cgroups, entrances) == 0) {
      return index;
    }
    /* Another one is made; this one is reaped like any other. */
    kill(stubs[index].pid, SIGKILL);
    close_cgroups(entrances);
    if (*pidfd >= 0) close(*pidfd);
  }
  return -1;
}

/* Returns its index, or -1 with errno and the call that failed. */
static int make(int slot, int *pidfd, int entrances[STUB_MAX_CGROUPS], const char **failed) {
  const int index = find(0);
  *failed = "more than 255 children of one zygote";
  errno = EAGAIN;
  if (index < 0 || slot == NO_SLOT) return -1;
  int cgroups = -1, network = -1;
  pid_t pid = -1;
  const int count = enter_cgroups(options, &cgroups, entrances);
  *failed = "mkdir(cgroup)";
  if (count >= 0) {
    network = take_network();
    const struct stub_place place = {slot, entrances, (size_t)count, network};
    pid = make_stub(options, ids, &place, pidfd, failed);
  }
  if (pid < 0) {
    const int error = errno;
    give_network_back(network);
    if (cgroups >= 0) leave_cgroups(cgroups);
    errno = error;
    return -1;
  }
  stubs[index].pid = pid;
  stubs[index].network = network >= 0 ? network : open_network(options, pid);
  stubs[index].cgroups = cgroups;
  return index;
}

void offer_stub(void) {
  int fds[1 + STUB_MAX_CGROUPS];
  for (int i = 0; i < 1 + STUB_MAX_CGROUPS; i++) fds[i] = -1;
  const char *failed = "";
  const int slot = take_slot();
  int index = slot == NO_SLOT ? -1 : take_resting(&fds[0], fds + 1);
  if (index < 0) index = make(slot, &fds[0], fds + 1, &failed);
  int error = errno, is_sent = 0;
  if (index >= 0) {
    stubs[index].slot = slot;
    const struct stub_message ready = {
        .kind = STUB_READY, .pid = stubs[index].pid, .uid = child_id(options, ids, slot)};
    is_sent = send_to_zygote(&ready, fds, 1 + options->cgroup_count);
    close(fds[0]);
    if (!is_sent) kill(stubs[index].pid, SIGKILL); /* it is reaped like any other */
    failed = "sendmsg(stub)";
    error = ETOOMANYREFS;
  } else if (slot != NO_SLOT) {
    leave_slot(slot);
  }
  close_cgroups(fds + 1);
  if (is_sent) return;
  struct stub_message none = {.kind = STUB_FAILED, .error = error};
  strncpy(none.step, failed, sizeof none.step - 1);
  send_to_zygote(&none, NULL, 0);
}

/* Nothing of its child runs any more. */
static void report_gone(int index) {
  const struct cgroup_events events = read_cgroup_events(stubs[index].cgroups);
  const struct stub_message message = {
      .kind = STUB_GONE, .pid = stubs[index].pid, .oom_kills = events.oom_kills, .task_fails = events.task_fails};
  leave_slot(stubs[index].slot);
  stubs[index].slot = NO_SLOT;
  send_to_zygote(&message, NULL, 0);
}

void take_stub_back(pid_t pid) {
  const int index = find(pid);
  if (index < 0 || stubs[index].slot == NO_SLOT) return; /* it has ended by itself, and been reported */
  /* SECURITY: nothing that a child started outlives it, whatever the filter has let through. */
  const int is_alone = has_one_task(stubs[index].cgroups);
  if (!is_alone || resting_count == MOST_RESTING) {
    kill(pid, SIGKILL); /* the child is over when it is reaped */
    return;
  }
  report_gone(index);
  resting[resting_count++] = index;
}

void stub_has_ended(pid_t pid) {
  const int index = find(pid);
  if (index < 0) return;
  for (int i = 0; i < resting_count; i++) {
    if (resting[i] != index) continue;
    take_at(resting, &resting_count, i);
    break;
  }
  give_network_back(stubs[index].network);
  const int slot = stubs[index].slot;
  if (slot != NO_SLOT) {
    if (options->link_addresses.count) cut_link(slot);
    report_gone(index);
  }
  leave_cgroups(stubs[index].cgroups);
  stubs[index].pid = 0;
}
