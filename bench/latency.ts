/** How long is it to the first line of the code, and to the result of a small piece of work? */
import type { ActiveSandbox } from '../lib/index.js';
import { calls, type CallName } from './calls.js';
import { namespaceFlags, startCloneFloor } from './clone-floor.js';
import type { Plan } from './plan.js';
import { rotate } from './rotate.js';
import { WaitingNode, waitingNodeFirstLine, waitingNodeRoundTrip } from './waiting-node.js';
import { startOnDemand, startZygote } from './zygotes.js';

/** What all is held against. */
type YardstickName = 'floor' | 'namespacedFloor' | 'waitingFirstLine' | 'waitingRoundTrip';

export interface Latency {
  readonly sandbox: ActiveSandbox;
  /** Threads of each child besides its main one. */
  readonly threads: number;
  /** In milliseconds, by name. */
  readonly series: Readonly<Record<YardstickName | CallName, readonly number[]>>;
}

export async function latency({ spawns, plainSpawns, warmUp, preload }: Plan): Promise<Latency> {
  const parked = await startZygote(preload);
  const onDemand = await startOnDemand(preload);
  const { sandbox, threads } = parked;
  const floor = startCloneFloor();
  const namespacedFloor = startCloneFloor(namespaceFlags(sandbox.layers));
  const waiting = await WaitingNode.start();
  const series = await rotate(
    {
      floor: { contestant: floor, times: spawns },
      namespacedFloor: { contestant: namespacedFloor, times: spawns },
      waitingFirstLine: { contestant: waitingNodeFirstLine(waiting), times: spawns },
      waitingRoundTrip: { contestant: waitingNodeRoundTrip(waiting), times: spawns },
      ...calls(parked, onDemand, spawns, plainSpawns),
    },
    warmUp,
  );
  await Promise.all([parked.close(), onDemand.close()]);
  await waiting[Symbol.asyncDispose]();
  await floor[Symbol.asyncDispose]();
  await namespacedFloor[Symbol.asyncDispose]();
  return { sandbox, threads, series };
}
