/** What processes there are, by /proc: to see what a zygote and its children leave behind. */
import { readdirSync, readFileSync } from 'node:fs';
import { MARK } from './zygote.js';

export interface ProcessInfo {
  readonly pid: number;
  readonly parent: number;
  /** A letter of proc_pid_stat(5): Z for a zombie. */
  readonly state: string;
  /** The first 15 bytes of its name. */
  readonly name: string;
}

function tryRead(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return undefined; // it has just ended
  }
}

function processInfo(pid: number): ProcessInfo | undefined {
  const stat = tryRead(`/proc/${pid}/stat`);
  if (stat === undefined) return undefined;
  // The name may have spaces and parentheses in it.
  const [state = '', parent = ''] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return {
    pid,
    parent: Number(parent),
    state,
    name: stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')')),
  };
}

export function allProcesses(): ProcessInfo[] {
  const pids = readdirSync('/proc').map(Number).filter(Number.isInteger);
  return pids.map(processInfo).filter((info) => info !== undefined);
}

/** All processes below a process, zombies included. */
export function descendantsOf(pid: number): ProcessInfo[] {
  const all = allProcesses();
  const found: ProcessInfo[] = [];
  const visit = (parent: number): void => {
    for (const info of all) {
      if (info.parent !== parent) continue;
      found.push(info);
      visit(info.pid);
    }
  };
  visit(pid);
  return found;
}

/** All processes of the zygote that was started with this mark in its environment, and all that its children started. */
export function markedProcesses(mark: string): ProcessInfo[] {
  return allProcesses().filter(({ pid }) => tryRead(`/proc/${pid}/environ`)?.includes(`${MARK}=${mark}`));
}

/** In how many PID namespaces a process has an id; 0 if it has just ended. */
function pidNamespaces(pid: number): number {
  const [, ids] = /^NSpid:\s+(.*)$/m.exec(tryRead(`/proc/${pid}/status`) ?? '') ?? [];
  return ids?.split(/\s+/).length ?? 0;
}

export interface ZygoteTree {
  readonly launcher: ProcessInfo;
  readonly init: ProcessInfo;
  readonly zygote: ProcessInfo;
  readonly stubs: readonly ProcessInfo[];
  readonly children: readonly ProcessInfo[];
  /** Each has a child's memory, and nothing to do. */
  readonly holders: readonly ProcessInfo[];
  /** The children, and what they started. */
  readonly others: readonly ProcessInfo[];
}

/** Who is who among the marked processes. Undefined while the zygote is not there yet. */
export function zygoteTree(mark: string): ZygoteTree | undefined {
  const all = markedProcesses(mark);
  const isLauncher = ({ name }: ProcessInfo): boolean => name.startsWith('nodespawner');
  const byParent = (parent: ProcessInfo | undefined) => all.filter((info) => info.parent === parent?.pid);
  const launchers = all.filter(isLauncher);
  const launcher = launchers.find((info) => !launchers.some(({ pid }) => pid === info.parent));
  const [init] = byParent(launcher);
  const zygote = byParent(init).find((info) => !isLauncher(info));
  if (launcher === undefined || init === undefined || zygote === undefined) return undefined;
  const stubs = byParent(init).filter(isLauncher);
  const clones = byParent(zygote);
  const depths = new Map(clones.map((info) => [info, pidNamespaces(info.pid)]));
  const ownDepth = pidNamespaces(zygote.pid);
  const children = clones.filter((info) => (depths.get(info) ?? 0) > ownDepth);
  const holders = clones.filter((info) => depths.get(info) === ownDepth);
  const known = new Set([launcher, init, zygote, ...stubs]);
  const others = all.filter(
    (info) => !known.has(info) && (children.includes(info) || !clones.includes(info)),
  );
  return { launcher, init, zygote, stubs, children, holders, others };
}

/** The control groups that belong to a zygote, by its launcher's pid. */
export function controlGroupsOf(launcher: number): string[] {
  const found: string[] = [];
  const visit = (folder: string): void => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      if (!entry.isDirectory()) continue;
      const path = `${folder}/${entry.name}`;
      if (entry.name === `nodespawner-${launcher}`) found.push(path);
      try {
        visit(path);
      } catch {
        // It has just been removed.
      }
    }
  };
  visit('/sys/fs/cgroup');
  return found;
}
