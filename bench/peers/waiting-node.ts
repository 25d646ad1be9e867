/** Not what a user could take instead: a bound for all who give a call a process of its own. */
import { WaitingNode, waitingNodeCall } from '../waiting-node.js';
import type { PeerKind } from './peer.js';

export const waitingNode: PeerKind = {
  name: 'a node that waits, used again and again',
  isolation: 'none, nor between calls',
  isQuick: true,
  start() {
    const node = new WaitingNode();
    return Promise.resolve({ ...waitingNodeCall(node), close: () => node[Symbol.asyncDispose]() });
  },
};
