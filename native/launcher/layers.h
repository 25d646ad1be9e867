/* The layers of the sandbox that the launcher and the native code switch, as bits. lib/sandbox.ts gives them names. */
#pragma once

enum layer {
  LAYER_USER = 1 << 0,         /* user namespace, and ids of its own for each child */
  LAYER_IPC = 1 << 1,          /* IPC namespace */
  LAYER_UTS = 1 << 2,          /* UTS namespace */
  LAYER_NETWORK = 1 << 3,      /* network namespace without an interface that is up */
  LAYER_FILES = 1 << 4,        /* mount namespace with a root of its own */
  LAYER_CGROUP = 1 << 5,       /* cgroup namespace */
  LAYER_CAPABILITIES = 1 << 6, /* no capabilities, securebits locked, bounding set empty */
  LAYER_SYSCALLS = 1 << 7,     /* seccomp filter */
  LAYER_LIMITS = 1 << 8,       /* rlimits */
  LAYER_DUMPABLE = 1 << 9,     /* memory is not dumpable */
};
