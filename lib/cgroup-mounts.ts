/** In which control groups this process is, and where they can be seen (cgroups(7)). */
import { readFileSync } from 'node:fs';
import path from 'node:path';

export interface Hierarchy {
  /** None: version 2. */
  readonly controllers: readonly string[];
  /** Relative to where it is mounted. */
  readonly path: string;
}

export interface Mount {
  readonly root: string;
  readonly point: string;
  readonly type: string;
  readonly options: readonly string[];
}

/** @param root before all paths, for tests @throws what reading throws */
export function readHierarchies(root = ''): Hierarchy[] {
  return readFileSync(`${root}/proc/self/cgroup`, 'utf8')
    .trim()
    .split('\n')
    .map((line) => {
      const [, controllers = '', ...rest] = line.split(':');
      return { controllers: controllers === '' ? [] : controllers.split(','), path: rest.join(':') };
    });
}

/** @param root before all paths, for tests @throws what reading throws */
export function readMounts(root = ''): Mount[] {
  return readFileSync(`${root}/proc/self/mountinfo`, 'utf8')
    .trim()
    .split('\n')
    .map((line) => {
      const [before = '', after = ''] = line.split(' - ');
      const [, , , from = '', point = ''] = before.split(' ');
      const [type = '', , options = ''] = after.split(' ');
      return { root: from, point, type, options: options.split(',') };
    });
}

export function directoryOf(mount: Mount, hierarchy: Hierarchy): string {
  // In a container the mount may show only a part of the hierarchy, which begins at `root`.
  const below = mount.root === '/' ? hierarchy.path : path.relative(mount.root, hierarchy.path);
  return path.join(mount.point, below);
}
