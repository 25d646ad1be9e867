/** An Arrow IPC stream as apache-arrow reads it where it has to wait in between: message by message, none of them copied. */
import { MetadataBudget, resolveLimits } from './arrow/validate/limits.js';
import { MessageWalk } from './arrow/validate/walk.js';
import type { Turn } from './turns.js';

/** @param bytes a stream that was found to be fine */
export async function* messagesInTurns(bytes: Uint8Array, turn: Turn): AsyncGenerator<Uint8Array> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const limits = resolveLimits();
  const input = { bytes, view, limits, metadata: new MetadataBudget(limits, false) };
  const walk = new MessageWalk(input, 0, bytes.byteLength);
  for (let start = 0; start < bytes.byteLength; start = walk.position) {
    await turn.next();
    walk.next();
    yield bytes.subarray(start, walk.position);
  }
}
