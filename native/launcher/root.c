#include "root.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fail.h"
#include "layers.h"
#include "proc_files.h"

/* Over which the new root is mounted while the old one is still there. */
#define STAGE "/tmp"

static const char *const DEVICES[] = {"null", "zero", "full", "random", "urandom"};
enum { DEVICE_COUNT = sizeof DEVICES / sizeof *DEVICES };

static const struct {
  const char *path, *target;
} LINKS[] = {{STAGE "/dev/fd", "/proc/self/fd"},
             {STAGE "/dev/stdin", "/proc/self/fd/0"},
             {STAGE "/dev/stdout", "/proc/self/fd/1"},
             {STAGE "/dev/stderr", "/proc/self/fd/2"},
             /* A stub is the first process of its namespace, so a child is the second. */
             {STAGE PROC_COVER "/2", "self"}};

static const char MOUNT_HINT[] =
    "in Docker: --cap-add=SYS_ADMIN --security-opt apparmor=unconfined, or a profile that permits mount; "
    "or turn the layer files off";

static void make_directories(const char *path) {
  char partial[4200];
  snprintf(partial, sizeof partial, "%s", path);
  for (char *slash = partial + sizeof STAGE; (slash = strchr(slash, '/')); *slash++ = '/') {
    *slash = 0;
    if (mkdir(partial, 0755) != 0 && errno != EEXIST) fail(partial, "");
  }
}

static void make_mount_point(const char *path, int is_directory) {
  make_directories(path);
  if (is_directory) {
    if (mkdir(path, 0755) != 0 && errno != EEXIST) fail(path, "");
    return;
  }
  const int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) fail(path, "");
  close(fd);
}

/* Flags that a mount of a more privileged namespace has are locked: a remount has to name them too. */
static unsigned long locked_flags(const char *path) {
  struct statvfs status;
  if (statvfs(path, &status) != 0) return 0;
  unsigned long flags = 0;
  if (status.f_flag & ST_NOSUID) flags |= MS_NOSUID;
  if (status.f_flag & ST_NODEV) flags |= MS_NODEV;
  if (status.f_flag & ST_NOEXEC) flags |= MS_NOEXEC;
  if (status.f_flag & ST_RDONLY) flags |= MS_RDONLY;
  if (status.f_flag & ST_NOATIME) flags |= MS_NOATIME;
  if (status.f_flag & ST_NODIRATIME) flags |= MS_NODIRATIME;
  if (status.f_flag & ST_RELATIME) flags |= MS_RELATIME;
  return flags;
}

/* Of struct mount_attr of mount_setattr(2); the bits are those of mount(2). */
struct attributes {
  uint64_t set, clear, propagation, user_namespace;
};

#ifndef SYS_mount_setattr
#define SYS_mount_setattr 442
#endif
#ifndef AT_RECURSIVE
#define AT_RECURSIVE 0x8000
#endif

static void bind(int source, const char *target, unsigned long flags) {
  char from[64];
  snprintf(from, sizeof from, "/proc/self/fd/%d", source);
  if (mount(from, target, NULL, MS_BIND | MS_REC, NULL) != 0) fail("mount(MS_BIND)", MOUNT_HINT);
  /* With what is mounted below. */
  const struct attributes attributes = {.set = flags};
  if (syscall(SYS_mount_setattr, AT_FDCWD, target, AT_RECURSIVE, &attributes, sizeof attributes) == 0) return;
  /* Before Linux 5.12 there is only this, for one mount; a child that then finds another one writable ends. */
  if (mount(NULL, target, NULL, MS_REMOUNT | MS_BIND | flags | locked_flags(target), NULL) != 0) {
    fail("mount(MS_REMOUNT|MS_BIND)", MOUNT_HINT);
  }
}

void protect_program(const char *path) {
  if (unshare(CLONE_NEWNS) != 0) fail("unshare(CLONE_NEWNS)", MOUNT_HINT);
  if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) fail("mount(MS_PRIVATE)", MOUNT_HINT);
  if (mount(path, path, NULL, MS_BIND, NULL) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) return; /* execve(2) is about to say so of a file that is not there */
    fail("mount(MS_BIND)", MOUNT_HINT);
  }
  const unsigned long flags = MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | locked_flags(path);
  if (mount(NULL, path, NULL, flags, NULL) != 0) fail("mount(MS_REMOUNT|MS_BIND)", MOUNT_HINT);
}

static void write_text(const char *path, const char *text) {
  make_directories(path);
  const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0 || write(fd, text, strlen(text)) < 0) fail(path, "");
  close(fd);
}

/* What children cover /proc with (native/proc_cover.cc): the mount points of what they then put into it. */
static void make_proc_cover(void) {
  for (size_t i = 0; i < sizeof kProcFiles / sizeof *kProcFiles; i++) {
    char path[64];
    snprintf(path, sizeof path, STAGE "%s", kProcFiles[i].mount_point);
    make_mount_point(path, i == 0);
  }
}

void make_root(const struct launcher_options *options) {
  if (unshare(CLONE_NEWNS) != 0) fail("unshare(CLONE_NEWNS)", MOUNT_HINT);
  if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) fail("mount(MS_PRIVATE)", MOUNT_HINT);

  /* Opened before the stage covers what lies below it. */
  int binds[MAX_BINDS], devices[DEVICE_COUNT];
  for (int i = 0; i < options->bind_count; i++) {
    binds[i] = open(options->binds[i], O_PATH | O_CLOEXEC);
    if (binds[i] < 0) fail(options->binds[i], "a path of sandbox.files is not there");
  }
  for (int i = 0; i < DEVICE_COUNT; i++) {
    char path[32];
    snprintf(path, sizeof path, "/dev/%s", DEVICES[i]);
    devices[i] = open(path, O_PATH | O_CLOEXEC);
    if (devices[i] < 0) fail(path, "");
  }

  umask(022);
  if (mount("tmpfs", STAGE, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755,size=256k,nr_inodes=1k") != 0) {
    fail("mount(tmpfs)", MOUNT_HINT);
  }
  for (int i = 0; i < DEVICE_COUNT; i++) {
    char path[64];
    snprintf(path, sizeof path, STAGE "/dev/%s", DEVICES[i]);
    make_mount_point(path, 0);
    /* Read-only is about the file, such as its times, which all children see; what is written to a device goes through.
     */
    bind(devices[i], path, MS_RDONLY | MS_NOSUID | MS_NOEXEC);
    close(devices[i]);
  }
  /* Before the caller's files, which may have them, too. */
  write_text(STAGE "/etc/hosts", "127.0.0.1 localhost\n::1 localhost\n");
  write_text(STAGE "/etc/passwd", "root:x:0:0::/:/bin/false\n");
  write_text(STAGE "/etc/group", "root:x:0:\n");
  for (int i = 0; i < options->write_count; i++) {
    char path[4200];
    const char *colon = strchr(options->writes[i], ':');
    snprintf(path, sizeof path, STAGE "%.*s", (int)(colon - options->writes[i]), options->writes[i]);
    write_text(path, colon + 1);
  }
  for (int i = 0; i < options->bind_count; i++) {
    char path[4200];
    struct stat status;
    if (fstat(binds[i], &status) != 0) fail("fstat", "");
    snprintf(path, sizeof path, STAGE "%s", options->binds[i]);
    make_mount_point(path, S_ISDIR(status.st_mode));
    bind(binds[i], path, MS_RDONLY | MS_NOSUID | MS_NODEV);
    close(binds[i]);
  }
  make_mount_point(STAGE "/proc", 1);
  make_mount_point(STAGE "/tmp", 1);
  make_proc_cover();
  for (size_t i = 0; i < sizeof LINKS / sizeof *LINKS; i++) {
    if (symlink(LINKS[i].target, LINKS[i].path) != 0 && errno != EEXIST) fail(LINKS[i].path, "");
  }
  /* The kernel allows a new /proc only where a whole one is visible already; each stub covers this one. */
  const unsigned long proc_flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
  if (mount("proc", STAGE "/proc", "proc", proc_flags, NULL) != 0) {
    fail("mount(proc)",
         "/proc must not be masked: in Docker --security-opt systempaths=unconfined, in Kubernetes "
         "procMount: Unmasked; or turn the layer files off");
  }
  /* In a user namespace of its own whoever makes it has all capabilities, which open much of the kernel to him. Here
   * none can be made any more, whatever the filter of system calls says (namespaces(7)). */
  if (options->layers & LAYER_USER) write_text(STAGE "/proc/sys/user/max_user_namespaces", "0");
  if (mount(NULL, STAGE "/proc", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | proc_flags, NULL) != 0) {
    fail("mount(MS_REMOUNT|MS_BIND)", MOUNT_HINT);
  }

  if (chdir(STAGE) != 0) fail("chdir", "");
  if (syscall(SYS_pivot_root, ".", ".") != 0) fail("pivot_root", MOUNT_HINT);
  if (umount2(".", MNT_DETACH) != 0) fail("umount2", MOUNT_HINT);
  if (chdir("/") != 0) fail("chdir", "");
  if (mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV, NULL) != 0) {
    fail("mount(MS_REMOUNT)", MOUNT_HINT);
  }
}

const char *mount_proc(void) {
  /* Processes and nothing else, and of those only one's own. */
  const unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY;
  return mount("proc", "/proc", "proc", flags, "subset=pid,hidepid=2") == 0 ? NULL : "mount(proc)";
}
