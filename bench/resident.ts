/** What memory processes take, as the kernel counts it. */
import { readFileSync } from 'node:fs';

/** In bytes. */
export interface Resident {
  /** Unique set size: pages that nobody else has, which its end would give back. */
  readonly uss: number;
  /** Proportional set size: each page divided by how many have it. */
  readonly pss: number;
  /** Of the kernel's own for it: tables of pages. */
  readonly pageTables: number;
}

function kilobytes(text: string, field: string): number {
  const found = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1];
  if (found === undefined) throw new Error(`there is no ${field}`);
  return Number(found) * 1024;
}

/** Of a process of another user, or one that is not dumpable, only root may know (CAP_SYS_PTRACE). */
export function residentOf(pid: number): Resident {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  return {
    uss: kilobytes(rollup, 'Private_Clean') + kilobytes(rollup, 'Private_Dirty'),
    pss: kilobytes(rollup, 'Pss'),
    pageTables: kilobytes(readFileSync(`/proc/${pid}/status`, 'utf8'), 'VmPTE'),
  };
}
