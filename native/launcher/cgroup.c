#include "cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fail.h"
#include "ids.h"
#include "oldest.h"

/* A directory with the groups of all children, and which of the files that are read of a group there are. NULL: another
 * controller's. */
static struct {
  int fd;
  int is_known; /* since the first group has been made */
  const char *usage, *kills, *refusals, *tasks;
} parents[STUB_MAX_CGROUPS];
static int parent_count;

/* Of each group that has been made. */
static struct cgroup_events seen[CHILDREN_PER_ZYGOTE];
static int group_count;

/* Those that no child is in, in the order in which they became free. */
static int free_groups[CHILDREN_PER_ZYGOTE];
static int free_count;

static void parent_path(char *path, size_t size, const char *directory, pid_t outer) {
  snprintf(path, size, "%s/nodespawner-%d", directory, outer);
}

/* A group can be removed once it has no process, which init's death guarantees; a dying one may take a moment. */
static void remove_group(const char *path) {
  for (int tries = 0; rmdir(path) != 0 && errno == EBUSY && tries < 200; tries++) usleep(5000);
}

static void remove_tree(const char *path) {
  DIR *directory = opendir(path);
  if (!directory) return;
  const struct dirent *entry;
  while ((entry = readdir(directory))) {
    if (entry->d_type != DT_DIR || entry->d_name[0] == '.') continue;
    char child[4400];
    snprintf(child, sizeof child, "%s/%s", path, entry->d_name);
    remove_group(child);
  }
  closedir(directory);
  remove_group(path);
}

/* As long as its zygote lives, a directory is locked. */
static int lock_directory(const char *path) {
  const int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0) return fd;
  if (fd >= 0) close(fd);
  return -1;
}

/* What launchers have left that were killed: also so that no group with another's limits is taken for ours. */
static void remove_leftovers(const char *parent) {
  DIR *directory = opendir(parent);
  if (!directory) return;
  const struct dirent *entry;
  while ((entry = readdir(directory))) {
    if (entry->d_type != DT_DIR || strncmp(entry->d_name, "nodespawner-", 12) != 0) continue;
    /* Whose launcher can be in a PID namespace that we don't see. If it is one that we see, who knows its version. */
    const pid_t owner = atoi(entry->d_name + 12);
    if (owner != getpid() && (kill(owner, 0) == 0 || errno != ESRCH)) continue;
    char path[4400];
    snprintf(path, sizeof path, "%s/%s", parent, entry->d_name);
    const int lock = lock_directory(path);
    if (lock < 0) continue;
    remove_tree(path);
    close(lock);
  }
  closedir(directory);
}

static void make_parent(const char *path) {
  for (int tries = 0; tries < 10; tries++) {
    if (mkdir(path, 0755) != 0 && errno != EEXIST) break;
    /* Stays open, and the directory locked, until the last of us ends. Another launcher that took the new directory for
     * a leftover has removed it by now, or will find it locked. */
    const int lock = lock_directory(path);
    struct stat locked, there;
    if (lock >= 0 && fstat(lock, &locked) == 0 && stat(path, &there) == 0 && locked.st_ino == there.st_ino) return;
    if (lock >= 0) close(lock);
    usleep(1000);
  }
  fail(path, "the cgroup must be writable; or turn the layer cgroup off");
}

void make_cgroup_parents(const struct launcher_options *options) {
  for (int i = 0; i < options->cgroup_count; i++) remove_leftovers(options->cgroups[i]);
  for (int i = 0; i < options->cgroup_count; i++) {
    char path[4096];
    parent_path(path, sizeof path, options->cgroups[i], getpid());
    make_parent(path);
    /* Version 2 hands controllers down by name; version 1 has no such file. */
    strncat(path, "/cgroup.subtree_control", sizeof path - strlen(path) - 1);
    const int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd >= 0) {
      if (write(fd, "+memory +pids", 13) < 0) fail(path, "the controllers memory and pids must be delegated");
      /* A share of the CPU for each child, however many threads it has. Where there is no such controller, that is up
       * to the scheduler. */
      if (write(fd, "+cpu", 4) < 0 && errno != EINVAL && errno != ENOENT) fail(path, "+cpu");
      close(fd);
    }
  }
}

void remove_cgroup_parents(const struct launcher_options *options) {
  for (int i = 0; i < options->cgroup_count; i++) {
    char path[4096];
    parent_path(path, sizeof path, options->cgroups[i], getpid());
    remove_tree(path);
  }
}

void open_cgroup_parents(const struct launcher_options *options, pid_t outer) {
  for (int i = 0; i < options->cgroup_count; i++) {
    char path[4096];
    parent_path(path, sizeof path, options->cgroups[i], outer);
    parents[i].fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (parents[i].fd < 0) fail(path, "the cgroup must be readable");
  }
  parent_count = options->cgroup_count;
}

/* Returns whether the file is there and took the number. A file that is not there belongs to another controller. */
static int write_limit(int group, const char *file, unsigned long value) {
  const int fd = openat(group, file, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return errno == ENOENT;
  char text[32];
  const int length = snprintf(text, sizeof text, "%lu", value);
  const int done = write(fd, text, (size_t)length) == length;
  const int saved = errno;
  close(fd);
  errno = saved;
  return done;
}

static int set_limits(int group, const struct launcher_options *options) {
  if (options->memory_bytes) {
    if (!write_limit(group, "memory.max", options->memory_bytes)) return 0;
    if (!write_limit(group, "memory.swap.max", 0)) return 0;
    if (!write_limit(group, "memory.limit_in_bytes", options->memory_bytes)) return 0;
    /* Where swap is accounted, memory and swap together: so that none is swapped. */
    if (!write_limit(group, "memory.memsw.limit_in_bytes", options->memory_bytes) && errno != EOPNOTSUPP) return 0;
  }
  /* The stub is one. */
  return !options->tasks || write_limit(group, "pids.max", options->tasks + 1);
}

static void group_name(char *name, size_t size, int group) { snprintf(name, size, "child-%d", group); }

static ssize_t read_file(int parent, const char *group, const char *file, char *text, size_t capacity) {
  char path[96];
  snprintf(path, sizeof path, "%s/%s", group, file);
  const int fd = openat(parent, path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return -1;
  const ssize_t size = read(fd, text, capacity - 1);
  close(fd);
  text[size > 0 ? size : 0] = 0;
  return size;
}

/* The number behind a word in a file of lines "word number"; 0 where there is none. */
static unsigned read_counter(int parent, const char *group, const char *file, const char *word) {
  char text[1024];
  if (!file || read_file(parent, group, file, text, sizeof text) < 0) return 0;
  const size_t length = strlen(word);
  for (const char *line = text; line; line = strchr(line, '\n')) {
    if (*line == '\n') line++;
    if (strncmp(line, word, length) == 0 && line[length] == ' ') return (unsigned)strtoul(line + length, NULL, 10);
  }
  return 0;
}

static long read_number(int parent, const char *group, const char *file) {
  char text[32];
  return file && read_file(parent, group, file, text, sizeof text) > 0 ? strtol(text, NULL, 10) : -1;
}

/* What an earlier child wrote to its output is charged to its group for as long as the host holds it. Such a group
 * isn't for another child, who would have that much less. */
static int is_charged(int parent, const char *group, const char *usage) {
  enum { MOST_BYTES = 8 << 20 };
  return read_number(parent, group, usage) > MOST_BYTES;
}

/* What a process that has one thread enters a group by (cgroup_entrance.h). Version 1 has a file for threads: of a
 * thread that moves itself the kernel needs no lock that keeps all forks and exits of the machine waiting, and that it
 * takes milliseconds to get (cgroup_procs_write_start() in kernel/cgroup/cgroup.c). */
static int open_entrance(int parent, const char *group) {
  char path[64];
  snprintf(path, sizeof path, "%s/tasks", group);
  const int fd = openat(parent, path, O_WRONLY | O_CLOEXEC);
  if (fd >= 0 || errno != ENOENT) return fd;
  snprintf(path, sizeof path, "%s/cgroup.procs", group);
  if (faccessat(parent, path, W_OK, 0) != 0) return -1;
  return openat(parent, group, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static void know_files(int index, int group) {
  if (parents[index].is_known) return;
  const struct {
    const char *name, **file;
  } files[] = {{"memory.current", &parents[index].usage}, {"memory.usage_in_bytes", &parents[index].usage},
               {"memory.events", &parents[index].kills},  {"memory.oom_control", &parents[index].kills},
               {"pids.events", &parents[index].refusals}, {"pids.current", &parents[index].tasks}};
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
    if (faccessat(group, files[i].name, R_OK, 0) == 0) *files[i].file = files[i].name;
  }
  parents[index].is_known = 1;
}

/* Returns 0, or -1 with errno. A group without its limits is not kept for the next child. */
static int make_group(int index, const char *name, const struct launcher_options *options) {
  const int parent = parents[index].fd;
  if (mkdirat(parent, name, 0755) != 0) return -1;
  const int group = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const int limited = group >= 0 && set_limits(group, options);
  const int error = errno;
  if (limited) {
    know_files(index, group);
  } else {
    unlinkat(parent, name, AT_REMOVEDIR);
  }
  if (group >= 0) close(group);
  errno = error;
  return limited ? 0 : -1;
}

struct cgroup_events read_cgroup_events(int group) {
  struct cgroup_events now = {0, 0}, since;
  char name[32];
  group_name(name, sizeof name, group);
  for (int i = 0; i < parent_count; i++) {
    now.oom_kills += read_counter(parents[i].fd, name, parents[i].kills, "oom_kill");
    now.task_fails += read_counter(parents[i].fd, name, parents[i].refusals, "max");
  }
  since.oom_kills = now.oom_kills - seen[group].oom_kills;
  since.task_fails = now.task_fails - seen[group].task_fails;
  seen[group] = now;
  return since;
}

int enter_cgroups(const struct launcher_options *options, int *group, int entrances[STUB_MAX_CGROUPS]) {
  const int free_group = take_oldest(free_groups, &free_count);
  *group = free_group >= 0 ? free_group : group_count++;
  char name[32];
  group_name(name, sizeof name, *group);
  int is_new = 0;
  for (int i = 0; i < parent_count; i++) {
    const int parent = parents[i].fd;
    if (is_charged(parent, name, parents[i].usage) && unlinkat(parent, name, AT_REMOVEDIR) == 0) is_new = 1;
    entrances[i] = open_entrance(parent, name);
    if (entrances[i] >= 0) continue;
    if (errno != ENOENT || make_group(i, name, options) != 0) return -1;
    entrances[i] = open_entrance(parent, name);
    if (entrances[i] < 0) return -1;
  }
  if (is_new) read_cgroup_events(*group); /* which counts from zero now */
  return parent_count;
}

int open_cgroups(int group, int entrances[STUB_MAX_CGROUPS]) {
  char name[32];
  group_name(name, sizeof name, group);
  for (int i = 0; i < parent_count; i++) {
    entrances[i] = open_entrance(parents[i].fd, name);
    if (entrances[i] < 0) return -1;
  }
  return 0;
}

void close_cgroups(int entrances[STUB_MAX_CGROUPS]) {
  for (int i = 0; i < STUB_MAX_CGROUPS; i++) {
    if (entrances[i] >= 0) close(entrances[i]);
    entrances[i] = -1;
  }
}

int are_cgroups_charged(int group) {
  char name[32];
  group_name(name, sizeof name, group);
  for (int i = 0; i < parent_count; i++) {
    if (is_charged(parents[i].fd, name, parents[i].usage)) return 1;
  }
  return 0;
}

int has_one_task(int group) {
  char name[32];
  group_name(name, sizeof name, group);
  int is_counted = 0;
  for (int i = 0; i < parent_count; i++) {
    const long tasks = read_number(parents[i].fd, name, parents[i].tasks);
    if (tasks > 1) return 0;
    is_counted |= tasks == 1;
  }
  return is_counted;
}

void leave_cgroups(int group) { free_groups[free_count++] = group; }
