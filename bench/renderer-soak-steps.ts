/** The steps of a soak of the Renderer, and what has to become of each. */
import type { MessageCode, Step } from '../renderer/index.js';

/** A step, and what its user has to be told; undefined if it has to be ok. */
export interface KnownStep {
  readonly step: Step;
  readonly error: MessageCode | undefined;
}

const render = (body: string): string => `const { tableFromArrays } = require('apache-arrow');
exports.render = async (table, params) => {
  ${body}
};`;

/** The first step of a tab. It gives as many rows as its params say. */
export function firstStep(id: string, seed: number, rows: number): KnownStep {
  const code = render(
    'return { table: tableFromArrays({ a: Float64Array.from({ length: params.rows }, (_, i) => i + params.seed) }) };',
  );
  return { step: { id, code, params: { seed, rows } }, error: undefined };
}

/** Adds a number to each row, and gives their sum. */
export function goodStep(id: string, by: number): KnownStep {
  const code = render(`
  const a = Float64Array.from(table.getChild('a'), (value) => value + params.by);
  return { table: tableFromArrays({ a }), value: a.reduce((x, y) => x + y, 0) };`);
  return { step: { id, code, params: { by } }, error: undefined };
}

const HOSTILE: readonly (readonly [error: MessageCode, body: string])[] = [
  ['threw', 'throw new Error("no");'],
  ['exited', 'process.exit(7);'],
  ['exited', 'await new Promise(() => undefined);'],
  ['signaled', "process.kill(process.pid, 'SIGKILL'); for (;;);"],
  ['timedOut', 'for (;;);'],
  ['outOfMemory', 'for (const all = []; ;) all.push(Buffer.alloc(4_000_000, 1));'],
  ['limitExceeded', 'return { table, value: "x".repeat(2_000_000) };'],
  ['badOutput', 'return { table, value: () => undefined };'],
  ['badResult', 'return 5;'],
  ['reported', 'return { errors: "no" };'],
  // What it prints is not its result; the kernel stops what prints without end.
  ['limitExceeded', "for (const line = 'x'.repeat(60_000); ;) require('node:fs').writeSync(1, line);"],
];

/** @param which any whole number */
export function hostileStep(id: string, which: number): KnownStep {
  const [error, body] = HOSTILE[which % HOSTILE.length] ?? ['threw', 'throw 0;'];
  return { step: { id, code: render(body) }, error };
}
