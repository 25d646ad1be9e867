/** What a process and all that it waited for have used, as the kernel counts it. */
import { readFileSync } from 'node:fs';

export interface ProcessUsage {
  /** CPU time in milliseconds, user and system, to 10 ms: of itself, and of those that are gone and waited for. */
  readonly ownMs: number;
  readonly childrenMs: number;
  /** Page faults of those that are gone and waited for. */
  readonly childrenFaults: number;
}

/** USER_HZ, which Linux has at 100 on every architecture that Node runs on. */
const TICK_MS = 10;

/** @see proc_pid_stat(5) */
export function usageOf(pid: number): ProcessUsage {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The name before this may have anything in it.
  const fields = text
    .slice(text.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  // The first of these is the third of the manual page, whose numbers are used here.
  const field = (number: number): number => fields[number - 3] ?? NaN;
  return {
    ownMs: (field(14) + field(15)) * TICK_MS,
    childrenMs: (field(16) + field(17)) * TICK_MS,
    childrenFaults: field(11) + field(13),
  };
}
