/** The layers of the sandbox, by name. The bits are those of native/launcher/layers.h. */
export const LAYER_BITS = Object.freeze({
  user: 1 << 0,
  ipc: 1 << 1,
  uts: 1 << 2,
  network: 1 << 3,
  files: 1 << 4,
  cgroup: 1 << 5,
  capabilities: 1 << 6,
  syscalls: 1 << 7,
  limits: 1 << 8,
  dumpable: 1 << 9,
});

/**
 * A layer that can be switched off by its name:
 *
 * - `user`: a user namespace, and a uid and gid of its own for each live child
 * - `ipc`, `uts`, `network`, `cgroup`: namespaces; that of the network has no interface that is up
 * - `files`: a read-only root of its own with nothing of the host's, and a private /tmp
 * - `capabilities`: no capability in any set, and no way to get one
 * - `syscalls`: the seccomp filter of the profile
 * - `limits`: resource limits and control groups
 * - `dumpable`: its memory can't be looked at through /proc
 *
 * What is always on: a PID namespace for each child, no_new_privs, no descriptor of the host's or the zygote's, and an
 * environment of its own.
 */
export type SandboxLayer = keyof typeof LAYER_BITS;

export const SANDBOX_LAYERS = Object.freeze(Object.keys(LAYER_BITS)) as readonly SandboxLayer[];
