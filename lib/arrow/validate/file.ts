import { Batches } from './batches.js';
import { Dictionaries } from './dictionaries.js';
import { fail } from './errors.js';
import { FlatBuffer, type Table } from './flatbuffer.js';
import { Budget } from './limits.js';
import { checkVersion, DICTIONARY_BATCH, readBlock, SCHEMA, type Input, type Message } from './message.js';
import { readMetadata, readSchema, sameFields, type Schema } from './schema.js';
import { MessageWalk } from './walk.js';

const MAGIC = 'ARROW1';
/** Magic and padding at the start; footer length and magic at the end. */
const HEAD = 8;
const TAIL = 10;

/** Whether apache-arrow would take these bytes for a file rather than a stream. */
export function isFile(bytes: Uint8Array): boolean {
  return hasMagic(bytes, 0);
}

function hasMagic(bytes: Uint8Array, offset: number): boolean {
  for (let i = 0; i < MAGIC.length; i++) if (bytes[offset + i] !== MAGIC.charCodeAt(i)) return false;
  return true;
}

/** Where the footer is. */
export function readTail({ bytes, view, limits }: Input): { footerStart: number; footerLength: number } {
  const { length } = bytes;
  if (length < HEAD + TAIL) fail('truncated', 'Too short for a file', length);
  if (view.getUint16(6, true) !== 0) fail('magic', 'No padding after the magic', 6);
  if (!hasMagic(bytes, length - 6)) fail('magic', 'No magic at the end', length - 6);
  const footerLength = view.getInt32(length - TAIL, true);
  const footerStart = length - TAIL - footerLength;
  if (footerLength < 8 || footerStart < HEAD)
    fail('footer', `Footer of ${footerLength} bytes`, length - TAIL);
  if (footerLength > limits.maxMetadataBytes)
    fail('limit', 'More metadata than maxMetadataBytes', footerStart);
  return { footerStart, footerLength };
}

/**
 * Checks bytes in the file format: the messages one after the other, as if it were a stream, and that the footer
 * says the same. apache-arrow goes by the footer alone and jumps wherever it says; on a footer that leads to a
 * message of another kind it never ends.
 */
export function validateFile(input: Input): { schema: Schema; batches: Batches } {
  const { bytes, limits } = input;
  const { length } = bytes;
  const { footerStart, footerLength } = readTail(input);
  const footer = new FlatBuffer(input, footerStart, footerLength).root();
  const { schema, version } = readFooter(footer, input);

  const walk = new MessageWalk(input, HEAD, footerStart);
  const messages: Message[] = [];
  const dictionaryBlocks = new BlockList(footer, 2);
  const recordBlocks = new BlockList(footer, 3);
  for (let message = walk.next(); message !== undefined; message = walk.next()) {
    if (message.version !== version) fail('version', 'Versions are mixed', message.frame.start);
    if (message.kind === SCHEMA) {
      // Always there according to the format, but apache-arrow leaves it out.
      checkSameSchema(message, schema, input);
      continue;
    }
    (message.kind === DICTIONARY_BATCH ? dictionaryBlocks : recordBlocks).take(message);
    messages.push(message);
  }
  walk.skipMarkers();
  if (walk.position !== footerStart)
    fail('footer', 'Bytes between the messages and the footer', walk.position);
  dictionaryBlocks.finish();
  recordBlocks.finish();

  const budget = new Budget(limits, length);
  const batches = new Batches(input, schema, new Dictionaries(schema.fields, false), budget);
  // In a file, dictionaries may come after the batches that need them. apache-arrow, too, loads them first.
  for (const message of messages) if (message.kind === DICTIONARY_BATCH) batches.dictionaryBatch(message);
  for (const message of messages) if (message.kind !== DICTIONARY_BATCH) batches.recordBatch(message);
  return { schema, batches };
}

function readFooter(footer: Table, { limits }: Input): { schema: Schema; version: number } {
  const version = footer.int16(0);
  checkVersion(version, footer.position);
  const table = footer.table(1);
  if (table === undefined) fail('footer', 'Footer without a schema', footer.position);
  readMetadata(footer, 4);
  return { schema: readSchema(table, limits), version };
}

function checkSameSchema({ header }: Message, schema: Schema, { limits }: Input): void {
  if (!sameFields(readSchema(header, limits).fields, schema.fields)) {
    fail('schema', "The schema is not the footer's", header.position);
  }
}

/** One of the footer's lists, which must name the messages in the order in which they come. */
class BlockList {
  readonly #footer: Table;
  readonly #position: number;
  readonly #length: number;
  #taken = 0;

  constructor(footer: Table, field: number) {
    this.#footer = footer;
    ({ position: this.#position, length: this.#length } = footer.vector(field, 24));
  }

  take({ frame, bodyLength }: Message): void {
    if (this.#taken === this.#length) fail('footer', 'Message that the footer does not list', frame.start);
    const block = readBlock(this.#footer.buffer.view, this.#position + 24 * this.#taken++);
    if (
      block.offset !== frame.start ||
      block.metadataLength !== frame.body - frame.start ||
      block.bodyLength !== bodyLength
    ) {
      fail('footer', `Block does not fit the message at ${frame.start}`, block.position);
    }
  }

  finish(): void {
    if (this.#taken !== this.#length) {
      fail('footer', 'Block without a message', this.#position + 24 * this.#taken);
    }
  }
}
