/* The file system that children see. */
#pragma once

#include "options.h"

/* In the process that becomes the zygote: a mount namespace of its own, in which its program can't be changed: for
 * /proc/self/exe leads a child there, whatever its root is. */
void protect_program(const char *path);

/* In init, once: a read-only root with what the caller listed, in a mount namespace of init's own; every stub's is a
 * copy of it. */
void make_root(const struct launcher_options *options);

/* In a stub: /proc of its own PID namespace. What else is a child's own, the child mounts (native/private_files.h).
 * Returns the call that failed, or NULL. */
const char *mount_proc(void);
