/** Finds a control group below which children can be given groups of their own (cgroups(7)), version 2 or 1. */
import { accessSync, constants, existsSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { directoryOf, readHierarchies, readMounts, type Hierarchy, type Mount } from './cgroup-mounts.js';
import { ZygoteStartError } from './errors.js';

export interface CgroupParents {
  readonly version: 1 | 2;
  /** Directories, one for each hierarchy. */
  readonly directories: readonly string[];
}

/** Of these a group is made for each child. */
const CONTROLLERS = ['memory', 'pids'] as const;

/**
 * And of this one where it can be had: each child's share of the CPU is the same then, however many threads it has. Not
 * where sessions have shares, since every child has one of its own.
 */
const SHARES = 'cpu';

/** Autogroups of sched(7), which are for tasks in the root group only. */
function haveSessionsShares(directory: string): boolean {
  const isOn = words('/proc/sys/kernel/sched_autogroup_enabled')[0] === '1';
  // Files that only the root group has (version 1), or hasn't (version 2).
  const isRoot =
    existsSync(path.join(directory, 'release_agent')) ||
    (existsSync(path.join(directory, 'cgroup.controllers')) &&
      !existsSync(path.join(directory, 'cgroup.type')));
  return isOn && isRoot;
}

function isWritable(directory: string): boolean {
  try {
    accessSync(directory, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function words(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').trim().split(/\s+/);
  } catch {
    return [];
  }
}

/** Version 2: the controllers have to be handed down, which the kernel refuses where the group itself has processes. */
function canHandDown(directory: string, controllers: readonly string[]): boolean {
  const control = path.join(directory, 'cgroup.subtree_control');
  const missing = controllers.filter((name) => !words(control).includes(name));
  if (missing.length === 0) return true;
  try {
    writeFileSync(control, missing.map((name) => `+${name}`).join(' '));
    return true;
  } catch {
    return false;
  }
}

function isUsable(directory: string): boolean {
  const available = words(path.join(directory, 'cgroup.controllers'));
  return (
    CONTROLLERS.every((name) => available.includes(name)) &&
    isWritable(directory) &&
    canHandDown(directory, CONTROLLERS)
  );
}

/**
 * A host's own group has a process, the host, and so can hand nothing down unless it is the root of the hierarchy. That
 * is what a group above is for, of which the host has the whole: a unit of systemd's that is delegated (never a slice,
 * which other units are in, whose limits children would be without) or the top of what a container sees.
 */
export function delegatedAbove(own: string, mount: Pick<Mount, 'point'>): string[] {
  if (path.relative(mount.point, own).startsWith('..') || own === mount.point) return [];
  const above = path.dirname(own);
  const isUnit = /\.(service|scope)$/.test(above);
  // The root of the hierarchy itself hasn't got this file: who is in a group below it isn't all that there is.
  const isContainers = above === mount.point && existsSync(path.join(above, 'cgroup.type'));
  return isUnit || isContainers ? [above] : [];
}

function findVersion2(mounts: readonly Mount[], hierarchies: readonly Hierarchy[]): string | undefined {
  const mount = mounts.find(({ type }) => type === 'cgroup2');
  const hierarchy = hierarchies.find(({ controllers }) => controllers.length === 0);
  if (mount === undefined || hierarchy === undefined) return undefined;
  const own = directoryOf(mount, hierarchy);
  const directory = [own, ...delegatedAbove(own, mount)].find(isUsable);
  if (directory !== undefined && !haveSessionsShares(directory)) canHandDown(directory, [SHARES]);
  return directory;
}

function findVersion1(mounts: readonly Mount[], hierarchies: readonly Hierarchy[]): string[] | undefined {
  const directoryFor = (name: string): string | undefined => {
    const mount = mounts.find(({ type, options }) => type === 'cgroup' && options.includes(name));
    const hierarchy = hierarchies.find(({ controllers }) => controllers.includes(name));
    if (mount === undefined || hierarchy === undefined) return undefined;
    const directory = directoryOf(mount, hierarchy);
    return isWritable(directory) ? directory : undefined;
  };
  const directories = CONTROLLERS.map(directoryFor);
  if (directories.includes(undefined)) return undefined;
  const shares = directoryFor(SHARES);
  if (shares !== undefined && !haveSessionsShares(shares)) directories.push(shares);
  return [...new Set(directories)].filter((directory) => directory !== undefined);
}

/** Undefined where the host may not make groups. */
export function findCgroupParents(): CgroupParents | undefined {
  try {
    const mounts = readMounts();
    const hierarchies = readHierarchies();
    const version2 = findVersion2(mounts, hierarchies);
    if (version2 !== undefined) return { version: 2, directories: [version2] };
    const version1 = findVersion1(mounts, hierarchies);
    return version1 && { version: 1, directories: version1 };
  } catch {
    return undefined;
  }
}

/** Of those that a directory is below, the one that it is in. */
function mountOf(directory: string, mounts: readonly Mount[]): Mount | undefined {
  const isBelow = ({ point }: Mount): boolean => !path.relative(point, directory).startsWith('..');
  // Of two at the same place, the later one covers the other.
  return mounts.filter(isBelow).reduce<Mount | undefined>((inner, mount) => {
    return inner === undefined || mount.point.length >= inner.point.length ? mount : inner;
  }, undefined);
}

function realPath(directory: string): string {
  try {
    return realpathSync(directory);
  } catch {
    return directory;
  }
}

/**
 * The groups that the caller names. One that is in no file system of control groups is left to the launcher, which can't
 * make any there, and says why.
 * @throws {ZygoteStartError} `ERR_SANDBOX_UNAVAILABLE` where nothing would hold memory or tasks
 */
export function namedCgroupParents(
  directories: readonly string[],
  mounts: readonly Mount[] = readMounts(),
): CgroupParents {
  const hierarchies = directories.map((directory) => mountOf(realPath(directory), mounts));
  // Version 2 has one hierarchy, and the launcher ends if it can't hand these controllers down.
  if (hierarchies.some((mount) => mount?.type === 'cgroup2')) return { version: 2, directories };
  const isIn = (name: string): boolean => hierarchies.some((mount) => mount?.options.includes(name) === true);
  const missing = CONTROLLERS.filter((name) => !isIn(name));
  if (missing.length > 0 && hierarchies.every((mount) => mount?.type === 'cgroup')) {
    const named = directories.length === 0 ? 'no directory' : directories.join(' and ');
    throw new ZygoteStartError(
      'ERR_SANDBOX_UNAVAILABLE',
      `sandbox.cgroups names ${named}, where no controller ${missing.join(' and none ')} is: name a directory of each, or turn the layer limits off`,
      '',
    );
  }
  return { version: 1, directories };
}
