/** Whether the memory that children write to could be pinned (docs/native.md, Cloning), and if not, why. */
import type { Pinning } from '../../lib/index.js';
import { info, ok, weaker, type Check } from './check.js';
import { readWords } from './read.js';

const NAME = 'pinned memory';

/** What to change, by the error. */
const FIXES: readonly (readonly [errno: RegExp, fix: string])[] = [
  [
    // More than may be locked.
    /^ENOMEM$/,
    '3 MB of RLIMIT_MEMLOCK for each zygote of this user, or CAP_IPC_LOCK outside of user namespaces; Docker and Podman: ' +
      '--ulimit memlock=-1; systemd: LimitMEMLOCK=infinity',
  ],
  [
    /^(EPERM|EACCES|ENOSYS)$/,
    'the kernel must give io_uring: sysctl kernel.io_uring_disabled=0, and no seccomp filter of a container that forbids ' +
      'io_uring_setup or io_uring_register',
  ],
  // What children write to could not be found out.
  [
    /^ENODATA$/,
    'the kernel needs CONFIG_PROC_PAGE_MONITOR, and a preloaded module must not hold up its children',
  ],
  [/^(EMFILE|ENFILE)$/, 'too many open files: see RLIMIT_NOFILE and fs.file-max'],
];

const ELSE = 'this is a bug; everything works all the same';

/** Of whoever starts the zygote, which inherits it: in bytes, or `unlimited`. */
function lockable(): string {
  return /^Max locked memory +(\S+)/m.exec(readWords('/proc/self/limits') ?? '')?.[1] ?? 'unknown';
}

/** @param found undefined if the zygote did not become warm */
export function pinning(found: Pinning | undefined): Check {
  if (found === undefined) return info(NAME, 'unknown: the zygote did not become warm');
  if (found.isPinned) return ok(NAME, 'what children write to is copied as they are cloned');
  const { step = '', errno = '' } = found;
  return weaker(
    NAME,
    `none: children copy what they write to page by page, which is slower; ${step}: ${errno}, RLIMIT_MEMLOCK ${lockable()}`,
    FIXES.find(([errnos]) => errnos.test(errno))?.[1] ?? ELSE,
  );
}
