import { fail } from './errors.js';
import { FlatBuffer, readInt64, type Source, type Table, type Vector } from './flatbuffer.js';
import type { ArrowLimits } from './limits.js';
import { readMetadata } from './schema.js';

/** The whole input: `bytes` starts at a multiple of eight in its memory, so that typed arrays can be laid over it. */
export interface Input extends Source {
  readonly limits: ArrowLimits;
}

/** Where a message lies, before anything in it was looked at. */
export interface Frame {
  /** Offset of the continuation marker. */
  readonly start: number;
  readonly metadata: number;
  readonly metadataLength: number;
  /** Offset of the body, which is the first byte after the metadata. */
  readonly body: number;
  /** Whether there is a continuation marker; files older than 0.15 have none. */
  readonly legacy: boolean;
}

export const METADATA_V4 = 3;
export const METADATA_V5 = 4;

export const SCHEMA = 1;
export const DICTIONARY_BATCH = 2;
export const RECORD_BATCH = 3;

export interface Message {
  readonly frame: Frame;
  readonly version: number;
  readonly kind: typeof SCHEMA | typeof DICTIONARY_BATCH | typeof RECORD_BATCH;
  readonly header: Table;
  readonly bodyLength: number;
  /** Offset of the first byte after the message. */
  readonly end: number;
}

/** The frame of the message at `start`, or the offset behind it if it is the end-of-stream marker. */
export function readFrame({ view, limits }: Input, start: number, end: number): Frame | number {
  if (start + 4 > end) fail('truncated', 'No room for a message', start);
  const legacy = view.getInt32(start, true) !== -1;
  const metadata = start + (legacy ? 4 : 8);
  if (metadata > end) fail('truncated', 'No room for a message', start);
  const metadataLength = view.getInt32(metadata - 4, true);
  if (metadataLength === 0) return metadata;
  if (metadataLength < 0) fail('framing', `Metadata of ${metadataLength} bytes`, start);
  if (metadataLength > limits.maxMetadataBytes) fail('limit', 'More metadata than maxMetadataBytes', start);
  const body = metadata + metadataLength;
  if (body > end) fail('truncated', 'Metadata goes beyond the end', start);
  if (body % 8 !== 0) fail('framing', 'Metadata not padded to eight bytes', start);
  return { start, metadata, metadataLength, body, legacy };
}

export function readMessage(input: Input, frame: Frame, end: number): Message {
  const buffer = new FlatBuffer(input, frame.metadata, frame.metadataLength);
  const table = buffer.root();
  const version = table.int16(0);
  checkVersion(version, table.position);
  if (frame.legacy && version !== METADATA_V4) fail('framing', 'No continuation marker', frame.start);

  const kind = table.uint8(1);
  const header = table.table(2);
  if (kind === 4 || kind === 5) fail('unsupported', 'Tensors are not tables', table.position);
  if (kind !== SCHEMA && kind !== DICTIONARY_BATCH && kind !== RECORD_BATCH) {
    fail('message', `Unknown message of kind ${kind}`, table.position);
  }
  if (header === undefined) fail('message', 'Message without a header', table.position);
  readMetadata(table, 4);

  const bodyLength = table.int64(3);
  if (bodyLength < 0 || bodyLength % 8 !== 0) fail('framing', `Body of ${bodyLength} bytes`, table.position);
  if (kind === SCHEMA && bodyLength !== 0) fail('message', 'Schema with a body', table.position);
  if (frame.body + bodyLength > end) fail('truncated', 'Body goes beyond the end', frame.body);
  return { frame, version, kind, header, bodyLength, end: frame.body + bodyLength };
}

export function checkVersion(version: number, position: number): void {
  if (version !== METADATA_V4 && version !== METADATA_V5) {
    fail('version', `Metadata version ${version + 1} instead of 4 or 5`, position);
  }
}

/** The lists of a record batch, or of the values in a dictionary batch. Nothing in the lists was checked yet. */
export interface BatchHeader {
  readonly length: number;
  readonly nodes: Vector;
  readonly buffers: Vector;
  readonly variadicCounts: Vector;
  readonly position: number;
}

export function readBatchHeader(table: Table): BatchHeader {
  if (table.has(3)) fail('unsupported', 'Compressed data; apache-arrow has no codec for it', table.position);
  const length = table.int64(0);
  if (length < 0) fail('batch', `Batch of ${length} rows`, table.position);
  return {
    length,
    nodes: table.vector(1, 16),
    buffers: table.vector(2, 16),
    variadicCounts: table.vector(4, 8),
    position: table.position,
  };
}

export interface DictionaryHeader {
  readonly id: number;
  readonly isDelta: boolean;
  readonly batch: BatchHeader;
}

export function readDictionaryHeader(table: Table): DictionaryHeader {
  const data = table.table(1);
  if (data === undefined) fail('message', 'Dictionary batch without values', table.position);
  return { id: table.int64(0), isDelta: table.bool(2), batch: readBatchHeader(data) };
}

/** One entry of a footer's lists. */
export interface Block {
  readonly offset: number;
  readonly metadataLength: number;
  readonly bodyLength: number;
  readonly position: number;
}

export function readBlock(view: DataView, position: number): Block {
  return {
    offset: readInt64(view, position),
    metadataLength: view.getInt32(position + 8, true),
    bodyLength: readInt64(view, position + 16),
    position,
  };
}
