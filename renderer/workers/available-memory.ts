/**
 * How much memory there is for more: of the machine, and of each control group that this process is in. `process.availableMemory()`
 * looks at its own group only, whose parent may have less (a slice of systemd's, a pod), and takes what a group has of files for used,
 * which the kernel takes back where it is needed.
 */
import { readFileSync } from 'node:fs';
import { freemem } from 'node:os';
import path from 'node:path';
import { directoryOf, readHierarchies, readMounts } from '../../lib/cgroup-mounts.js';

/** The files of a group (cgroup-v2, and cgroup-v1/memory of the kernel's documentation). */
interface Files {
  readonly limits: readonly string[];
  readonly used: string;
  /** A line of `memory.stat`. */
  readonly reclaimable: string;
}

const VERSION_2: Files = {
  // Above `high` it is not killed, but stopped again and again.
  limits: ['memory.max', 'memory.high'],
  used: 'memory.current',
  reclaimable: 'inactive_file',
};

const VERSION_1: Files = {
  limits: ['memory.limit_in_bytes'],
  used: 'memory.usage_in_bytes',
  reclaimable: 'total_inactive_file',
};

/**
 * In bytes.
 *
 * @param root before all paths, for tests
 */
export function availableMemory(root = ''): number {
  const groups = groupsOf(root).map(([directory, files]) => availableTo(root + directory, files));
  return Math.max(0, Math.min(ofMachine(root), ...groups));
}

/** All that limit this process, from its own to the topmost that can be seen. */
function groupsOf(root: string): [directory: string, files: Files][] {
  let mounts, hierarchies;
  try {
    mounts = readMounts(root);
    hierarchies = readHierarchies(root);
  } catch {
    return [];
  }
  const groups: [string, Files][] = [];
  for (const hierarchy of hierarchies) {
    const isVersion2 = hierarchy.controllers.length === 0;
    if (!isVersion2 && !hierarchy.controllers.includes('memory')) continue;
    const mount = mounts.find(({ type, options }) =>
      isVersion2 ? type === 'cgroup2' : type === 'cgroup' && options.includes('memory'),
    );
    if (mount === undefined) continue;
    const files = isVersion2 ? VERSION_2 : VERSION_1;
    const below = path.relative(mount.point, directoryOf(mount, hierarchy)).split(path.sep);
    // One of the host's paths, of which the mount shows nothing.
    if (below[0] === '..') below.length = 0;
    for (let depth = below.length; depth >= 0; depth--)
      groups.push([path.join(mount.point, ...below.slice(0, depth)), files]);
  }
  return groups;
}

/** Infinity where there is no limit. */
function availableTo(directory: string, { limits, used, reclaimable }: Files): number {
  const read = (file: string): string => textOf(path.join(directory, file));
  const most = Math.min(...limits.map((file) => numberOf(read(file)) ?? Infinity));
  if (most === Infinity) return Infinity;
  const files = numberOf(new RegExp(`^${reclaimable} (\\d+)$`, 'm').exec(read('memory.stat'))?.[1] ?? '');
  return most - Math.max(0, (numberOf(read(used)) ?? 0) - (files ?? 0));
}

function ofMachine(root: string): number {
  const [, kilobytes = ''] = /^MemAvailable: +(\d+) kB$/m.exec(textOf(`${root}/proc/meminfo`)) ?? [];
  const number = numberOf(kilobytes);
  return number === undefined ? freemem() : number * 1024;
}

/** Empty if it isn't there, as in the root of version 2. */
function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return '';
  }
}

/** Undefined for `max`. */
function numberOf(text: string): number | undefined {
  return /^\d+$/.test(text) ? Number(text) : undefined;
}
