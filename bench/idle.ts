/**
 * What does it cost that nobody has called for some time? Others on the same physical machine have had the processor's caches
 * meanwhile.
 */
import { type Contestant, nodespawnerFirstLine, nodespawnerRoundTrip } from './contestants.js';
import type { Plan } from './plan.js';
import { rotate, type Turn } from './rotate.js';
import { WaitingNode, waitingNodeFirstLine, waitingNodeRoundTrip } from './waiting-node.js';
import { startZygote } from './zygotes.js';

/** Between the end of what was measured last and the call, in milliseconds. */
const PAUSES_MS = [4, 15, 60, 250];
/** How often they take turns: what a call finds depends on more than the last pause. */
const PASSES = 5;
const WARM_UP = 2;

export type IdleSeries = 'firstLine' | 'roundTrip' | 'waitingFirstLine' | 'waitingRoundTrip';

export interface Idle {
  readonly pauseMs: number;
  /** In milliseconds. Parked children. */
  readonly series: Readonly<Record<IdleSeries, readonly number[]>>;
}

/** For each pause as many of each as of what takes long: most of the time is pauses. */
export async function idle({ plainSpawns, preload }: Plan): Promise<Idle[]> {
  const zygote = await startZygote(preload);
  const node = await WaitingNode.start();
  const contestants: Record<IdleSeries, Contestant> = {
    firstLine: nodespawnerFirstLine(zygote, true),
    roundTrip: nodespawnerRoundTrip(zygote, true),
    waitingFirstLine: waitingNodeFirstLine(node),
    waitingRoundTrip: waitingNodeRoundTrip(node),
  };
  const names = Object.keys(contestants) as IdleSeries[];
  const found = PAUSES_MS.map((pauseMs) => {
    const series: Record<IdleSeries, number[]> = {
      firstLine: [],
      roundTrip: [],
      waitingFirstLine: [],
      waitingRoundTrip: [],
    };
    return { pauseMs, series };
  });
  const times = Math.ceil(plainSpawns / PASSES);
  for (let pass = 0; pass < PASSES; pass++) {
    for (const { pauseMs, series } of found) {
      const turns = Object.fromEntries(
        names.map((name): [IdleSeries, Turn] => [name, { contestant: contestants[name], times, pauseMs }]),
      ) as Record<IdleSeries, Turn>;
      const measured = await rotate(turns, WARM_UP);
      for (const name of names) series[name].push(...measured[name]);
    }
  }
  await node[Symbol.asyncDispose]();
  await zygote.close();
  return found;
}
