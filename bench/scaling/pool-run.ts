/** Calls that come when they come, whether the last ones are done or not, to a pool that has always the same size. */
import { setImmediate, setTimeout } from 'node:timers/promises';
import { nodespawnerRoundTrip } from '../contestants.js';
import { startOnDemand, startZygote } from '../zygotes.js';
import { full } from './live.js';

export interface PoolRun {
  /** Of each call, in milliseconds. */
  readonly times: readonly number[];
  readonly hits: number;
}

/** @param at when calls come, in milliseconds, in order */
export async function runPool(pool: number, at: readonly number[]): Promise<PoolRun> {
  await using zygote = await startZygote([], { pool: { min: pool, max: pool } });
  await full(zygote, pool);
  const call = nodespawnerRoundTrip(zygote, true);
  const start = performance.now();
  const running: Promise<number>[] = [];
  let hits = 0;
  for (const time of at) {
    const wait = start + time - performance.now();
    if (wait > 0) await setTimeout(wait);
    if (zygote.parked > 0) hits++;
    running.push(call.measure());
    // By then it has taken its child, so that the next one of a burst doesn't count it.
    await setImmediate();
  }
  return { times: await Promise.all(running), hits };
}

/** Calls one after the other that find no child parked, in milliseconds. */
export async function onDemandCalls(calls: number): Promise<number[]> {
  await using zygote = await startOnDemand([]);
  const call = nodespawnerRoundTrip(zygote, false);
  const times: number[] = [];
  for (let i = 0; i < calls; i++) times.push(await call.measure());
  return times;
}
