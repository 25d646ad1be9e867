/** The same work done by nodespawner and by all that a user could take instead, in turns. */
import type { CallTimes } from './contestants.js';
import { startCloneFloor } from './clone-floor.js';
import { bubblewrap } from './peers/bubblewrap.js';
import { childProcessFork, childProcessSpawn } from './peers/child-process.js';
import { compileCache } from './peers/compile-cache.js';
import { isolatedVm } from './peers/isolated-vm.js';
import { nodespawnerOnDemand, nodespawnerParked } from './peers/nodespawner.js';
import type { Peer, PeerKind } from './peers/peer.js';
import { pyspawner } from './peers/pyspawner.js';
import { startupSnapshot } from './peers/snapshot.js';
import { waitingNode } from './peers/waiting-node.js';
import { piscina, tinypool, workerThread } from './peers/worker-threads.js';
import type { Plan } from './plan.js';
import { rotate, type Turn } from './rotate.js';

const KINDS = {
  parked: nodespawnerParked,
  onDemand: nodespawnerOnDemand,
  spawn: childProcessSpawn,
  fork: childProcessFork,
  compileCache,
  snapshot: startupSnapshot,
  worker: workerThread,
  piscina,
  tinypool,
  isolatedVm,
  bubblewrap,
  pyspawner,
  waiting: waitingNode,
} satisfies Record<string, PeerKind>;

export type PeerName = keyof typeof KINDS;
export const PEER_NAMES = Object.keys(KINDS) as PeerName[];

export interface PeerFigures {
  readonly name: string;
  readonly isolation: string;
  /** Empty if it could not be had. */
  readonly calls: readonly CallTimes[];
  /** Why it could not. */
  readonly missing: string | undefined;
}

export interface Peers {
  readonly peers: Readonly<Record<PeerName, PeerFigures>>;
  /** L, in milliseconds. */
  readonly floor: readonly number[];
}

const WARM_UP = 3;

export async function peers({ variantSpawns, plainSpawns }: Plan): Promise<Peers> {
  const floor = startCloneFloor();
  const turns: Record<string, Turn<CallTimes>> = {};
  const started: Peer[] = [];
  const missing: Partial<Record<PeerName, string>> = {};
  for (const name of PEER_NAMES) {
    const kind: PeerKind = KINDS[name];
    try {
      const contestant = await kind.start();
      started.push(contestant);
      const times = kind.isQuick === true ? variantSpawns : Math.min(plainSpawns, variantSpawns);
      turns[name] = { contestant, times };
    } catch (error) {
      missing[name] = (error as Error).message;
    }
  }
  const floorTurn: Turn<CallTimes> = {
    contestant: {
      async measure() {
        const ms = await floor.measure();
        return { firstLineMs: ms, roundTripMs: ms };
      },
    },
    times: variantSpawns,
  };
  const series = await rotate({ ...turns, floor: floorTurn }, WARM_UP);
  for (const peer of started) await peer.close?.();
  await floor[Symbol.asyncDispose]();
  const figures = PEER_NAMES.map((name): [PeerName, PeerFigures] => {
    const { name: title, isolation } = KINDS[name];
    const calls = (series as Record<string, CallTimes[]>)[name] ?? [];
    return [name, { name: title, isolation, calls, missing: missing[name] }];
  });
  return {
    peers: Object.fromEntries(figures) as Record<PeerName, PeerFigures>,
    floor: series.floor.map(({ roundTripMs }) => roundTripMs),
  };
}
