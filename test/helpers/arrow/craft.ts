import { Field, MessageHeader, MetadataVersion, Schema, type DataType } from 'apache-arrow';
import type { CompressionType } from 'apache-arrow/fb/compression-type';
import { FileBlock, Footer } from 'apache-arrow/ipc/metadata/file';
import {
  BodyCompression,
  BufferRegion,
  DictionaryBatch,
  FieldNode,
  Message,
  RecordBatch,
} from 'apache-arrow/ipc/metadata/message';

/** A buffer of a batch: what is in it, or a claim about where it is. */
export type CraftedBuffer = ArrayBufferView | { readonly offset: number; readonly length: number };

/** A record batch, or the values of a dictionary, of which nothing has to be true. */
export interface CraftedBatch {
  readonly length: number;
  /** Length and null count of each array. */
  readonly nodes: readonly (readonly [length: number | bigint, nullCount: number | bigint])[];
  readonly buffers: readonly CraftedBuffer[];
  readonly variadicCounts?: readonly number[];
  readonly compression?: CompressionType;
}

export const NONE = new Uint8Array(0);
export const END_OF_STREAM = Uint8Array.of(255, 255, 255, 255, 0, 0, 0, 0);

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

function pad(bytes: Uint8Array): Uint8Array {
  return concat(bytes, new Uint8Array(-bytes.length & 7));
}

function encapsulate(message: Message, body: Uint8Array): Uint8Array {
  const metadata = pad(Message.encode(message));
  const prefix = new Uint8Array(Int32Array.of(-1, metadata.length).buffer);
  return concat(prefix, metadata, body);
}

export function schemaMessage(fields: readonly Field[]): Uint8Array {
  // With a map of its own the schema does not look whether its dictionaries fit together.
  return encapsulate(Message.from(new Schema([...fields], null, new Map())), NONE);
}

function headerAndBody(batch: CraftedBatch): { header: RecordBatch; body: Uint8Array } {
  let body: Uint8Array = NONE;
  const regions = batch.buffers.map((buffer) => {
    if (!ArrayBuffer.isView(buffer)) return new BufferRegion(buffer.offset, buffer.length);
    const region = new BufferRegion(body.length, buffer.byteLength);
    body = pad(concat(body, new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength)));
    return region;
  });
  const header = new RecordBatch(
    batch.length,
    batch.nodes.map(([length, nullCount]) => rawNode(length, nullCount)),
    regions,
    batch.compression === undefined ? null : new BodyCompression(batch.compression),
    [...(batch.variadicCounts ?? [])],
  );
  return { header, body };
}

/** A field node with numbers that the class itself would refuse. */
function rawNode(length: number | bigint, nullCount: number | bigint): FieldNode {
  return Object.assign(new FieldNode(0, 0), { length, nullCount });
}

export function batchMessage(batch: CraftedBatch): Uint8Array {
  const { header, body } = headerAndBody(batch);
  return encapsulate(Message.from(header, body.length), body);
}

/** A record batch whose body is for the caller to write, and may be of any length. */
export function batchMetadata(batch: CraftedBatch, bodyLength: number): Uint8Array {
  return encapsulate(Message.from(headerAndBody(batch).header, bodyLength), NONE);
}

export function dictionaryMessage(id: number, batch: CraftedBatch, isDelta = false): Uint8Array {
  const { header, body } = headerAndBody(batch);
  return encapsulate(Message.from(new DictionaryBatch(header, id, isDelta), body.length), body);
}

/** A whole stream with these messages. */
export function stream(fields: readonly Field[], ...messages: readonly Uint8Array[]): Uint8Array {
  return concat(schemaMessage(fields), ...messages, END_OF_STREAM);
}

/** A whole file with these messages, in this order. */
export function file(fields: readonly Field[], ...messages: readonly Uint8Array[]): Uint8Array {
  let bytes: Uint8Array = concat(Buffer.from('ARROW1\0\0'));
  const blocks: Record<'dictionaries' | 'records', FileBlock[]> = { dictionaries: [], records: [] };
  for (const message of messages) {
    const view = new DataView(message.buffer, message.byteOffset);
    const metadataLength = 8 + view.getInt32(4, true);
    const { headerType } = Message.decode(message.subarray(8, metadataLength));
    const list = headerType === MessageHeader.DictionaryBatch ? blocks.dictionaries : blocks.records;
    list.push(new FileBlock(metadataLength, message.length - metadataLength, bytes.length));
    bytes = concat(bytes, message);
  }
  return sealed(fields, bytes, blocks.records, blocks.dictionaries);
}

/** A file of these bytes and a footer that says this about them. */
export function sealed(
  fields: readonly Field[],
  bytes: Uint8Array,
  records: FileBlock[],
  dictionaries: FileBlock[],
): Uint8Array {
  const schema = new Schema([...fields], null, new Map());
  const footer = Footer.encode(new Footer(schema, MetadataVersion.V5, records, dictionaries));
  const length = new Uint8Array(Int32Array.of(footer.length).buffer);
  return concat(bytes, END_OF_STREAM, footer, length, Buffer.from('ARROW1'));
}

/** A stream of one column, named `c`. */
export function column(type: DataType, batch: CraftedBatch): Uint8Array {
  return stream([new Field('c', type, true)], batchMessage(batch));
}

export function field<T extends DataType>(name: string, type: T): Field<T> {
  return new Field(name, type, true);
}

/** Bits, lowest first. */
export function bits(text: string): Uint8Array {
  const bytes = new Uint8Array(Math.ceil(text.length / 8));
  for (let i = 0; i < text.length; i++)
    if (text[i] === '1') bytes[i >> 3] = (bytes[i >> 3] ?? 0) | (1 << (i & 7));
  return bytes;
}
