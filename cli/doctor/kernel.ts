/** What the kernel permits this user: namespaces, seccomp, control groups, ids. */
import { existsSync } from 'node:fs';
import { findCgroupParents } from '../../lib/cgroup.js';
import { DEFAULT_UIDS } from '../../lib/defaults.js';
import { canGiveIds } from '../../lib/ids.js';
import { info, missing, ok, weaker, type Check } from './check.js';
import { readWords } from './read.js';

const KINDS = ['user', 'pid', 'mnt', 'net', 'ipc', 'uts', 'cgroup'] as const;

function namespaces(): Check {
  const absent = KINDS.filter((kind) => !existsSync(`/proc/self/ns/${kind}`));
  if (absent.length > 0)
    return missing(
      'namespaces',
      `none of ${absent.join(', ')}`,
      'the kernel needs CONFIG_NAMESPACES and CONFIG_USER_NS',
    );
  const usedUp = KINDS.filter((kind) => readWords(`/proc/sys/user/max_${kind}_namespaces`) === '0');
  if (usedUp.length > 0) {
    const settings = usedUp.map((kind) => `user.max_${kind}_namespaces`).join(', ');
    return missing('namespaces', `${usedUp.join(', ')}: none may be made`, `raise sysctl ${settings}`);
  }
  return ok('namespaces', KINDS.join(', '));
}

/** Settings of distributions that keep user namespaces from whoever isn't root. */
function userNamespaces(): Check {
  const isRoot = process.getuid?.() === 0;
  const restrictions = [
    ['/proc/sys/kernel/unprivileged_userns_clone', '0', 'sysctl kernel.unprivileged_userns_clone=1'],
    [
      '/proc/sys/kernel/apparmor_restrict_unprivileged_userns',
      '1',
      'sysctl kernel.apparmor_restrict_unprivileged_userns=0, or an AppArmor profile with userns',
    ],
  ] as const;
  const [found] = restrictions.filter(([file, value]) => readWords(file) === value);
  if (found === undefined || isRoot) return ok('user', isRoot ? 'root' : `uid ${process.getuid?.() ?? 0}`);
  return missing('user', 'user namespaces are for root only', `${found[2]}; or run as root`);
}

function seccomp(): Check {
  const actions = readWords('/proc/sys/kernel/seccomp/actions_avail');
  if (actions === undefined)
    return missing('seccomp', 'not there', 'the kernel needs CONFIG_SECCOMP_FILTER and version 5.5 or later');
  const mode = /^Seccomp:\s*(\d)$/m.exec(readWords('/proc/self/status') ?? '')?.[1];
  const own = mode === '2' ? '; this process is under a filter itself, as in a container' : '';
  return actions.includes('user_notif')
    ? ok('seccomp', `filters and listeners${own}`)
    : missing('seccomp', `no listeners${own}`, 'the kernel needs version 5.5 or later');
}

function cgroups(): Check {
  const parents = findCgroupParents();
  if (parents !== undefined)
    return ok('control groups', `version ${parents.version}, ${parents.directories.join(', ')}`);
  return weaker(
    'control groups',
    'none in which this process may make groups; RLIMIT_DATA holds memory, for each process by itself',
    'a group must be writable and hand down memory and pids, which one with a process in it does not in version 2; systemd: ' +
      'Delegate=yes and DelegateSubgroup=host; Docker: --cgroupns=private with /sys/fs/cgroup mounted read-write, and the ' +
      'host moved to a group below; or give sandbox.cgroups',
  );
}

function ids(): Check {
  const range = `${DEFAULT_UIDS.first} to ${DEFAULT_UIDS.first + DEFAULT_UIDS.count - 1}`;
  if (canGiveIds(DEFAULT_UIDS)) return ok('ids of their own', `uids and gids ${range} for children`);
  return weaker(
    'ids of their own',
    'children share one uid: namespaces and the system call filter keep them apart',
    `run as root with CAP_SETUID and CAP_SETGID, and with ${range} mapped where it is a container with user namespaces`,
  );
}

function securityModules(): Check {
  const modules = readWords('/sys/kernel/security/lsm');
  return info('security modules', modules ?? 'unknown');
}

export const permitted = (): Check[] => [
  namespaces(),
  userNamespaces(),
  seccomp(),
  cgroups(),
  ids(),
  securityModules(),
];
