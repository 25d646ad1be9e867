/** When a child reached the first line of its own code, on the clock that all processes share (CLOCK_MONOTONIC). */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';

/** Goes before the code, on the same line: says when it was reached. */
export const STAMP = "process.getBuiltinModule('fs').writeSync(2, `${process.hrtime.bigint()}\\n`); ";

/** The time on the monotonic clock, in nanoseconds. */
export const now = (): bigint => process.hrtime.bigint();

/** From then to the stamp that a child wrote to stderr, in milliseconds; undefined if there is none. */
export function msUntilStamp(since: bigint, stderr: string): number | undefined {
  const stamp = /^\d+$/m.exec(stderr)?.[0];
  return stamp === undefined ? undefined : Number(BigInt(stamp) - since) / 1e6;
}

/** The same for a plain `node` that loads a module first. */
export async function plainNode(module: string, from: string): Promise<number> {
  const code = `require(${JSON.stringify(module)}); ${STAMP}`;
  const since = now();
  const child = spawn(process.execPath, ['-e', code], { cwd: from, stdio: ['ignore', 'ignore', 'pipe'] });
  const [stderr] = await Promise.all([text(child.stderr), once(child, 'close')]);
  const ms = msUntilStamp(since, stderr);
  if (ms === undefined) throw new Error(`A plain node did not get as far as its first line:\n${stderr}`);
  return ms;
}
