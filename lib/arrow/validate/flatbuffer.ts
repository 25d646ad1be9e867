import { isUtf8 } from 'node:buffer';
import { fail } from './errors.js';
import type { MetadataBudget } from './limits.js';

/** What flatbuffers lie in. */
export interface Source {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** What all of them together may make a reader keep. */
  readonly metadata: MetadataBudget;
}

/**
 * Reads one flatbuffer without trusting a number in it. Each access checks what it uses: position inside the buffer,
 * alignment, the vtable, the length of vectors. Positions are offsets in the whole input.
 *
 * A flatbuffer is a graph, not a tree: many offsets may point to one table, so a few bytes can describe a huge schema.
 * `visit` counts what is walked over and stops at a multiple of the bytes that there are.
 */
export class FlatBuffer {
  readonly view: DataView;
  readonly bytes: Uint8Array;
  readonly metadata: MetadataBudget;
  readonly start: number;
  readonly end: number;
  #visitable: number;

  constructor({ bytes, view, metadata }: Source, start: number, length: number) {
    this.bytes = bytes;
    this.view = view;
    this.metadata = metadata;
    this.start = start;
    this.end = start + length;
    this.#visitable = 1024 + 16 * length;
  }

  root(): Table {
    return this.#table(this.#follow(this.start));
  }

  /** Checks that `length` bytes at `position` are inside and aligned, and counts them. */
  visit(position: number, length: number, align: number): void {
    if (position < this.start || length < 0 || position + length > this.end) {
      fail('flatbuffer', 'Structure outside the metadata', position);
    }
    if ((position - this.start) % align !== 0)
      fail('flatbuffer', 'Misaligned structure in the metadata', position);
    this.#visitable -= length;
    if (this.#visitable < 0) fail('flatbuffer', 'Metadata that refers to itself over and over', position);
  }

  /** The position that the unsigned offset at `position` leads to. */
  #follow(position: number): number {
    this.visit(position, 4, 4);
    const target = position + this.view.getUint32(position, true);
    if (target === position || target >= this.end)
      fail('flatbuffer', 'Offset outside the metadata', position);
    return target;
  }

  #table(position: number): Table {
    this.visit(position, 4, 4);
    const vtable = position - this.view.getInt32(position, true);
    this.visit(vtable, 4, 2);
    const vtableLength = this.view.getUint16(vtable, true);
    const tableLength = this.view.getUint16(vtable + 2, true);
    // SECURITY: the JavaScript flatbuffers library reads these as signed numbers; no schema of Arrow's comes near 2^15.
    if (vtableLength < 4 || vtableLength % 2 !== 0 || vtableLength > 0x7fff) {
      fail('flatbuffer', 'Impossible vtable length', vtable);
    }
    if (tableLength < 4 || tableLength > 0x7fff) fail('flatbuffer', 'Impossible table length', vtable);
    this.visit(vtable, vtableLength, 2);
    this.visit(position, tableLength, 4);
    return new Table(this, position, vtable, vtableLength, tableLength);
  }

  tableAt(position: number): Table {
    return this.#table(this.#follow(position));
  }

  vectorAt(position: number, size: number): Vector {
    const target = this.#follow(position);
    this.visit(target, 4, 4);
    const length = this.view.getUint32(target, true);
    // Elements of eight bytes should be aligned to eight, but there are writers that don't (flights-200k.arrow of
    // vega-datasets), and nobody who reads them minds.
    this.visit(target + 4, length * size, 1);
    return { position: target + 4, length };
  }
}

/** Where a vector's elements are. They are inside the metadata. */
export interface Vector {
  readonly position: number;
  readonly length: number;
}

const EMPTY: Vector = { position: 0, length: 0 };

/** One table. Fields are addressed by their number in the schema. */
export class Table {
  readonly buffer: FlatBuffer;
  readonly position: number;
  readonly #vtable: number;
  readonly #vtableLength: number;
  readonly #length: number;

  constructor(buffer: FlatBuffer, position: number, vtable: number, vtableLength: number, length: number) {
    this.buffer = buffer;
    this.position = position;
    this.#vtable = vtable;
    this.#vtableLength = vtableLength;
    this.#length = length;
  }

  /** Position of a field, or 0 if it is absent. A field is never at 0: the table starts later. */
  #field(field: number, size: number): number {
    const entry = 4 + 2 * field;
    if (entry + 2 > this.#vtableLength) return 0;
    const offset = this.buffer.view.getUint16(this.#vtable + entry, true);
    if (offset === 0) return 0;
    const position = this.position + offset;
    if (offset < 4 || offset + size > this.#length) fail('flatbuffer', 'Field outside its table', position);
    if ((position - this.buffer.start) % size !== 0) fail('flatbuffer', 'Misaligned field', position);
    return position;
  }

  has(field: number): boolean {
    return this.#field(field, 1) !== 0;
  }

  bool(field: number): boolean {
    const position = this.#field(field, 1);
    return position !== 0 && this.buffer.view.getUint8(position) !== 0;
  }

  uint8(field: number): number {
    const position = this.#field(field, 1);
    return position === 0 ? 0 : this.buffer.view.getUint8(position);
  }

  int16(field: number, absent = 0): number {
    const position = this.#field(field, 2);
    return position === 0 ? absent : this.buffer.view.getInt16(position, true);
  }

  int32(field: number, absent = 0): number {
    const position = this.#field(field, 4);
    return position === 0 ? absent : this.buffer.view.getInt32(position, true);
  }

  /** A 64-bit number, which must be one that JavaScript's numbers hold exactly. */
  int64(field: number): number {
    const position = this.#field(field, 8);
    return position === 0 ? 0 : readInt64(this.buffer.view, position);
  }

  table(field: number): Table | undefined {
    const position = this.#field(field, 4);
    return position === 0 ? undefined : this.buffer.tableAt(position);
  }

  /** A vector of scalars or structs of `size` bytes; one without elements if the field is absent. */
  vector(field: number, size: number): Vector {
    const position = this.#field(field, 4);
    return position === 0 ? EMPTY : this.buffer.vectorAt(position, size);
  }

  /** The tables of a vector of tables. */
  *tables(field: number): Generator<Table, void, undefined> {
    const { position, length } = this.vector(field, 4);
    for (let i = 0; i < length; i++) yield this.buffer.tableAt(position + 4 * i);
  }

  /** A string that is the name of something. */
  name(field: number): string | undefined {
    return this.#text(field, true);
  }

  string(field: number): string | undefined {
    return this.#text(field, false);
  }

  #text(field: number, isName: boolean): string | undefined {
    const position = this.#field(field, 4);
    if (position === 0) return undefined;
    const { bytes, view, metadata, end } = this.buffer;
    const { position: start, length } = this.buffer.vectorAt(position, 1);
    metadata.chargeText(length, start);
    if (isName) metadata.chargeName(length, start);
    if (start + length >= end || view.getUint8(start + length) !== 0) {
      fail('flatbuffer', 'String without a terminating zero', start);
    }
    const value = bytes.subarray(start, start + length);
    if (!isUtf8(value)) fail('flatbuffer', 'String in the metadata is not UTF-8', start);
    return decoder.decode(value);
  }
}

// The same as apache-arrow's, which drops a byte order mark: names must be compared as it sees them.
const decoder = new TextDecoder();

export function readInt64(view: DataView, position: number): number {
  const value = view.getInt32(position + 4, true) * 2 ** 32 + view.getUint32(position, true);
  // SECURITY: beyond 2^53 apache-arrow throws, and arithmetic here would round.
  if (!Number.isSafeInteger(value)) fail('flatbuffer', 'Number too large', position);
  return value;
}
