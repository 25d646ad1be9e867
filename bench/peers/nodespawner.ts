/** The one that all others are compared with. */
import type { Zygote } from '../../lib/index.js';
import { nodespawnerCall } from '../contestants.js';
import { startOnDemand, startZygote } from '../zygotes.js';
import type { Peer, PeerKind } from './peer.js';

const ISOLATION = 'all layers of the sandbox';

function peer(zygote: Zygote, isParked: boolean): Peer {
  return { ...nodespawnerCall(zygote, isParked), close: () => zygote.close() };
}

export const nodespawnerParked: PeerKind = {
  name: 'nodespawner, parked child',
  isolation: ISOLATION,
  isQuick: true,
  start: async () => peer(await startZygote([]), true),
};

export const nodespawnerOnDemand: PeerKind = {
  name: 'nodespawner, cloned on demand',
  isolation: ISOLATION,
  isQuick: true,
  start: async () => peer(await startOnDemand([]), false),
};
