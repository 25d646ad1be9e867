/** What to change when the kernel refuses something. */
import type { ErrorDescription } from './types.js';

const CONTAINER =
  'in Docker: --cap-add=SYS_ADMIN with --security-opt seccomp=unconfined and apparmor=unconfined, or profiles that permit it';

const HINTS: readonly (readonly [step: RegExp, errno: RegExp, hint: string])[] = [
  [
    /^verify/,
    /./,
    'a layer was set up and is not in force: this is a bug, or something on the host undoes it',
  ],
  [/./, /^(EMFILE|ENFILE)$/, 'too many open files: see RLIMIT_NOFILE and fs.file-max'],
  [
    /./,
    /^ETOOMANYREFS$/,
    "too many descriptors are on their way between processes of the host's user: raise RLIMIT_NOFILE",
  ],
  [/./, /^ENOMEM$/, 'the machine, or the control group of the host, is short of memory'],
  [/^clone/, /^EAGAIN$/, 'too many processes: see RLIMIT_NPROC, pids.max and kernel.pid_max'],
  [
    /^(clone|unshare)/,
    /^ENOSPC$/,
    'raise sysctl user.max_pid_namespaces, max_mnt_namespaces, max_net_namespaces and their like',
  ],
  [/^(clone|setns|unshare)/, /^EPERM$/, `namespaces must be allowed; ${CONTAINER}`],
  [
    /^mount\(proc\)/,
    /./,
    'the host must see an unmasked /proc: in Docker --security-opt systempaths=unconfined, in Kubernetes procMount: Unmasked',
  ],
  [/^mount/, /./, `mounts must be allowed in the namespace; ${CONTAINER}`],
  [
    /cgroup/,
    /./,
    "the host's control group must be writable; or give sandbox.cgroups, or turn the layer limits off",
  ],
  [/^seccomp/, /^EBUSY$/, 'another seccomp filter with a listener is on the host; start it without'],
  [/^seccomp/, /./, 'the kernel needs CONFIG_SECCOMP_FILTER and version 5.5 or later'],
];

export function hintFor(step: string, errno: string): string {
  return HINTS.find(([steps, errnos]) => steps.test(step) && errnos.test(errno))?.[2] ?? '';
}

/** What throws in every child, by the function of libuv that its error names, and why: libuv's own words don't say. */
const IN_CHILDREN: readonly (readonly [thrown: RegExp, why: string])[] = [
  [/\buv_interface_addresses\b/, 'a child sees no network interfaces'],
  [/\buv_os_get_passwd\b/, 'a child has no list of users'],
  [/\buv_os_homedir\b/, 'a child has no home folder; HOME of its environment would be one'],
];

/** Why what code in a child called is not there for it; undefined of anything else. */
export function childHint({ code, message }: Pick<ErrorDescription, 'code' | 'message'>): string | undefined {
  // A text of any length, and the child's own.
  const said = message.slice(0, 200);
  return code === 'ERR_SYSTEM_ERROR' ? IN_CHILDREN.find(([thrown]) => thrown.test(said))?.[1] : undefined;
}
