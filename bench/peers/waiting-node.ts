/** Not what a user could take instead: a yardstick for all who give a call a process of its own. */
import { WaitingNode, waitingNodeCall } from '../waiting-node.js';
import type { PeerKind } from './peer.js';

export const waitingNode: PeerKind = {
  name: 'a node that waits, used again',
  isolation: 'none, nor between calls',
  isQuick: true,
  async start() {
    const node = await WaitingNode.start();
    return { ...waitingNodeCall(node), close: () => node[Symbol.asyncDispose]() };
  },
};
