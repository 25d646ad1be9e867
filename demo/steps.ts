/** The steps of the demo, and what should become of each. */
import type { Result } from '../lib/index.js';

export interface Step {
  /** In demo/steps/. */
  readonly file: string;
  readonly title: string;
  readonly timeoutMs?: number;
  /** What there is to say of the outcome, or undefined if it is not what it should be. */
  describe(result: Result): string | undefined;
}

/** At least this much of what prints-noise.mjs prints. */
const NOISE_BYTES = 64 * 1024;

const count = (bytes: number): string => bytes.toLocaleString('en');

/** The first line of a stack that is in the step's own file. */
function place(stack: string): string {
  return /\(?([\w-]+\.mjs:\d+:\d+)/.exec(stack)?.[1] ?? '';
}

export function steps(rows: number): Step[] {
  return [
    {
      file: 'delay-by-hour.mjs',
      title: 'mean delay by hour',
      describe(result) {
        if (result.status !== 'ok') return undefined;
        const value = result.value as { flights?: number } | null;
        const { byHour } = result.tables;
        if (value?.flights !== rows || byHour?.numRows !== 24) return undefined;
        return `a value, and a table of ${byHour.numRows} rows`;
      },
    },
    {
      file: 'throws.mjs',
      title: 'throws',
      describe(result) {
        if (result.status !== 'threw' || result.error.name !== 'TypeError') return undefined;
        return `TypeError at ${place(result.error.stack)}`;
      },
    },
    {
      file: 'prints-noise.mjs',
      title: 'prints nonsense',
      describe(result) {
        if (result.status !== 'ok' || result.value !== rows || result.stdout === undefined) return undefined;
        if (result.stdout.bytes.byteLength < NOISE_BYTES) return undefined;
        return `${count(result.stdout.bytes.byteLength)} bytes of noise on stdout, the value intact`;
      },
    },
    {
      file: 'forges-result.mjs',
      title: 'forges a result',
      describe(result) {
        return result.status === 'badOutput' ? result.reason : undefined;
      },
    },
    {
      file: 'never-ends.mjs',
      title: 'never ends',
      timeoutMs: 500,
      describe(result) {
        return result.status === 'timedOut' ? `killed after ${result.timeoutMs} ms` : undefined;
      },
    },
    {
      file: 'exits.mjs',
      title: 'exits',
      describe(result) {
        return result.status === 'exited' && result.exitCode === 3 ? `exit code 3, no result` : undefined;
      },
    },
    {
      file: 'eats-memory.mjs',
      title: 'allocates without end',
      describe(result) {
        const peak = `at ${count(Math.round(result.usage.peakMemoryBytes / 1e6))} MB`;
        if (result.status === 'outOfMemory') return `ended ${peak}`;
        // V8 ends the process when the heap has reached its limit.
        return result.status === 'signaled' ? `${result.signal} ${peak}` : undefined;
      },
    },
  ];
}
