/** What is measured of one call, by the names that it has in reports: nodespawner both ways, and a plain node. */
import type { Zygote } from '../lib/index.js';
import {
  nodespawnerFirstLine,
  nodespawnerRoundTrip,
  plainNodeFirstLine,
  plainNodeRoundTrip,
} from './contestants.js';
import type { Turn } from './rotate.js';

export type CallName =
  'firstLine' | 'roundTrip' | 'demandFirstLine' | 'demandRoundTrip' | 'plainFirstLine' | 'plainRoundTrip';

export function calls(
  parked: Zygote,
  onDemand: Zygote,
  spawns: number,
  plainSpawns: number,
): Record<CallName, Turn> {
  return {
    firstLine: { contestant: nodespawnerFirstLine(parked, true), times: spawns },
    roundTrip: { contestant: nodespawnerRoundTrip(parked, true), times: spawns },
    demandFirstLine: { contestant: nodespawnerFirstLine(onDemand, false), times: spawns },
    demandRoundTrip: { contestant: nodespawnerRoundTrip(onDemand, false), times: spawns },
    plainFirstLine: { contestant: plainNodeFirstLine, times: Math.min(plainSpawns, spawns) },
    plainRoundTrip: { contestant: plainNodeRoundTrip, times: Math.min(plainSpawns, spawns) },
  };
}
