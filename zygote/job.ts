/** The job as it comes over the job socket: one message with descriptors. The host says which is which. */
import fs from 'node:fs';
import { INLINE_BYTES, placeOfJob } from '../protocol/job-header.js';
import { decodeJob, type InputTable, type Job } from '../protocol/messages.js';
import type { ReceivedMessage, ZygoteAddon } from './addon.js';

type Mapper = Pick<ZygoteAddon, 'mapPrivate' | 'mapUncounted'>;

export const MAX_MESSAGE_BYTES = INLINE_BYTES + 64;

/** A descriptor that came with the job. The host closes its own copies. */
export function fdAt(message: ReceivedMessage, index: number | undefined): number {
  const fd = index === undefined ? undefined : message.fds[index];
  if (fd === undefined) throw new RangeError('the job names a descriptor that did not come with it');
  return fd;
}

export function readJob(addon: Mapper, message: ReceivedMessage): Job {
  const place = placeOfJob(message.bytes);
  if ('bytes' in place) return decodeJob(place.bytes, { ownsBytes: true });
  const fd = fdAt(message, place.fd);
  const bytes = new Uint8Array(addon.mapPrivate(fd, place.length));
  fs.closeSync(fd);
  return decodeJob(bytes);
}

/**
 * The bytes of tables. Maps each memfd once and closes it: what is left is memory. On its account V8 would collect garbage,
 * before the first line of the code.
 */
export function openTables(
  addon: Mapper,
  message: ReceivedMessage,
  tables: readonly InputTable[],
): Map<string, Uint8Array> {
  const ends = new Map<number, number>();
  for (const { place } of tables) {
    if ('bytes' in place) continue;
    const { fd, offset, length } = place.range;
    ends.set(fd, Math.max(ends.get(fd) ?? 0, offset + length));
  }
  const memories = new Map<number, ArrayBuffer>();
  for (const [index, end] of ends) {
    const fd = fdAt(message, index);
    memories.set(index, addon.mapUncounted(fd, end));
    fs.closeSync(fd);
  }
  const opened = new Map<string, Uint8Array>();
  for (const { name, place } of tables) {
    if ('bytes' in place) {
      opened.set(name, place.bytes);
      continue;
    }
    const { fd, offset, length } = place.range;
    const memory = memories.get(fd);
    if (memory !== undefined) opened.set(name, new Uint8Array(memory, offset, length));
  }
  return opened;
}
