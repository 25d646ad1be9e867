/**
 * What does it cost that the machine was idle before the call? Who has nothing to do for some milliseconds finds little of what
 * it needs in the processor's caches: others have had them meanwhile, on the same physical machine.
 */
import { nodespawnerFirstLine, nodespawnerRoundTrip } from './contestants.js';
import type { Plan } from './plan.js';
import { rotate } from './rotate.js';
import { WaitingNode, waitingNodeFirstLine, waitingNodeRoundTrip } from './waiting-node.js';
import { startZygote } from './zygotes.js';

/** How long nothing happens before each call, in milliseconds. */
const PAUSES_MS = [4, 15, 60, 250];

export type IdleSeries = 'firstLine' | 'roundTrip' | 'waitingFirstLine' | 'waitingRoundTrip';

export interface Idle {
  readonly pauseMs: number;
  /** In milliseconds. Parked children. */
  readonly series: Readonly<Record<IdleSeries, readonly number[]>>;
}

export async function idle({ plainSpawns, warmUp, preload }: Plan): Promise<Idle[]> {
  const zygote = await startZygote(preload);
  const node = new WaitingNode();
  const times = plainSpawns;
  const turns = {
    firstLine: { contestant: nodespawnerFirstLine(zygote, true), times },
    roundTrip: { contestant: nodespawnerRoundTrip(zygote, true), times },
    waitingFirstLine: { contestant: waitingNodeFirstLine(node), times },
    waitingRoundTrip: { contestant: waitingNodeRoundTrip(node), times },
  };
  const found: Idle[] = [];
  for (const pauseMs of PAUSES_MS) {
    // A node that waits gets faster for a long time.
    const rounds = found.length === 0 ? warmUp : 2;
    found.push({ pauseMs, series: await rotate(turns, rounds, { pauseMs }) });
  }
  await node[Symbol.asyncDispose]();
  await zygote.close();
  return found;
}
