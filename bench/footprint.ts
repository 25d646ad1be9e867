/** What a process holds between two rounds of work: memory and descriptors. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { collectGarbage } from '../test/helpers/garbage.js';

/**
 * For a host whose memory is looked at. Else V8 makes its young generation larger and smaller by tens of MB, also after
 * hours, and what grows slowly could not be seen.
 */
export const SMALL_YOUNG_GENERATION = '--max-semi-space-size=1';

/** Beyond this, memory is not flat: what garbage collectors and allocators keep for later varies by less. */
const SLACK = { heap: 4 * 2 ** 20, resident: 48 * 2 ** 20 };

/** Of this process, without garbage. In bytes. */
export interface HostMemory {
  readonly heap: number;
  readonly resident: number;
}

export function residentBytes(pid: number): number {
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) * 1024;
}

/** What the descriptors of a process lead to. */
function targetsOf(pid: number): string[] {
  return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/${pid}/fd/${fd}`)];
    } catch {
      return []; // it has just been closed, as that of our own reading is
    }
  });
}

const isNetwork = (target: string): boolean => target.startsWith('net:[');

/** Without those of network namespaces, of which init keeps some for later children. */
export const fdsOf = (pid: number): number => targetsOf(pid).filter((target) => !isNetwork(target)).length;

export const networksOf = (pid: number): number => targetsOf(pid).filter(isNetwork).length;

/** Several collections: what finalizers let go of is garbage only then. */
export async function hostMemory(): Promise<HostMemory> {
  for (let i = 0; i < 4; i++) {
    collectGarbage();
    await pause(50);
  }
  return { heap: process.memoryUsage().heapUsed, resident: residentBytes(process.pid) };
}

/** What has grown by more than what varies. */
export function grownMemory(before: HostMemory, after: HostMemory): string[] {
  return (['heap', 'resident'] as const).flatMap((key) =>
    grown(`${key} memory of the host`, before[key], after[key], SLACK[key]),
  );
}

export function grown(what: string, before: number, after: number, slack: number): string[] {
  return after - before > slack
    ? [`${what} has grown by ${megabytes(after - before)}, from ${megabytes(before)}`]
    : [];
}

export const megabytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MB`;
