/* What of /proc/self is left to a child that starts no programs (native/proc_cover.cc). Nothing in it depends on what
 * other processes do. */
#pragma once

/* Where its cover lies in the root, empty. */
#define PROC_COVER "/run/proc"

/* fd: /dev/stdin and its like lead there. stat: process.memoryUsage() reads it. maps: V8, to find room near its code.
 * The first one is a directory. */
#define PROC_FILE(name) \
  { name, "/proc/self/" name, PROC_COVER "/self/" name }
static const struct {
  const char *name, *target, *mount_point;
} kProcFiles[] = {PROC_FILE("fd"), PROC_FILE("maps"), PROC_FILE("stat"), PROC_FILE("statm"), PROC_FILE("status")};
#undef PROC_FILE
