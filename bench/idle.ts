/**
 * What does it cost that nobody has called for some time? Others on the same physical machine have had the processor's caches
 * meanwhile.
 */
import { nodespawnerFirstLine, nodespawnerRoundTrip } from './contestants.js';
import type { Plan } from './plan.js';
import { rotate, type Turn } from './rotate.js';
import { WaitingNode, waitingNodeFirstLine, waitingNodeRoundTrip } from './waiting-node.js';
import { startZygote } from './zygotes.js';

/** Between the end of what was measured last and the call, in milliseconds. */
const PAUSES_MS = [4, 15, 60, 250];

export type IdleSeries = 'firstLine' | 'roundTrip' | 'waitingFirstLine' | 'waitingRoundTrip';

export interface Idle {
  readonly pauseMs: number;
  /** In milliseconds. Parked children. */
  readonly series: Readonly<Record<IdleSeries, readonly number[]>>;
}

const seriesName = (name: IdleSeries, pauseMs: number): string => `${name} ${pauseMs}`;

/** @returns for each pause as many of each as of what takes long: most of the time is pauses */
export async function idle({ plainSpawns: times, warmUp, preload }: Plan): Promise<Idle[]> {
  const zygote = await startZygote(preload);
  const node = await WaitingNode.start();
  const contestants = {
    firstLine: nodespawnerFirstLine(zygote, true),
    roundTrip: nodespawnerRoundTrip(zygote, true),
    waitingFirstLine: waitingNodeFirstLine(node),
    waitingRoundTrip: waitingNodeRoundTrip(node),
  };
  const names = Object.keys(contestants) as IdleSeries[];
  const turns: Record<string, Turn> = {};
  for (const pauseMs of PAUSES_MS)
    for (const name of names)
      turns[seriesName(name, pauseMs)] = { contestant: contestants[name], times, pauseMs };
  const series = await rotate(turns, Math.min(warmUp, 3));
  await node[Symbol.asyncDispose]();
  await zygote.close();
  return PAUSES_MS.map((pauseMs) => ({
    pauseMs,
    series: Object.fromEntries(
      names.map((name) => [name, series[seriesName(name, pauseMs)] ?? []]),
    ) as unknown as Idle['series'],
  }));
}
