/** The outline of a table: whether its messages are there, without a look at what is in them. */
import { FlatBuffer } from './validate/flatbuffer.js';
import { fail } from './validate/errors.js';
import { isFile, readTail } from './validate/file.js';
import { MetadataBudget, resolveLimits } from './validate/limits.js';
import {
  DICTIONARY_BATCH,
  readBlock,
  readFrame,
  readMessage,
  RECORD_BATCH,
  SCHEMA,
  type Input,
} from './validate/message.js';
import { MessageWalk } from './validate/walk.js';

/** None: only the messages of its own caller are read, and little of those. */
const LIMITS = resolveLimits({
  maxMetadataBytes: 2 ** 31 - 1,
  maxMetadataEntries: 2 ** 31 - 1,
  maxNameBytes: 2 ** 31 - 1,
});

/**
 * Tells an Arrow IPC file or stream from what is none, and from one that was cut short. Takes time by the number of
 * messages, and not by their size; the rest of what can be wrong is for validateArrow() to find.
 *
 * @throws {InvalidArrowError}
 */
export function checkOutline(bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const input = { bytes, view, limits: LIMITS, metadata: new MetadataBudget(LIMITS, isFile(bytes)) };
  if (isFile(bytes)) checkFile(input);
  else checkStream(input);
}

function checkStream(input: Input): void {
  const walk = new MessageWalk(input, 0, input.bytes.length);
  if (walk.next()?.kind !== SCHEMA) fail('message', 'Does not start with a schema', 0);
  while (walk.next() !== undefined);
}

function checkFile(input: Input): void {
  const { view } = input;
  const { footerStart, footerLength } = readTail(input);
  const footer = new FlatBuffer(input, footerStart, footerLength).root();
  if (!footer.has(1)) fail('footer', 'Footer without a schema', footer.position);
  for (const [field, kind] of [[2, DICTIONARY_BATCH], [3, RECORD_BATCH]] as const) {
    const { position, length } = footer.vector(field, 24);
    for (let i = 0; i < length; i++) {
      const block = readBlock(view, position + 24 * i);
      if (block.offset < 0) fail('footer', 'Block outside the file', block.position);
      const frame = readFrame(input, block.offset, footerStart);
      if (typeof frame === 'number' || readMessage(input, frame, footerStart).kind !== kind)
        fail('footer', 'Block without a message of its kind', block.position);
    }
  }
} // prettier-ignore
