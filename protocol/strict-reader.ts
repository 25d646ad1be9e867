/**
 * Reads Thrift's binary protocol from bytes that somebody hostile may have written. It looks at every byte at most a
 * few times, never takes a length on trust, and refuses whatever the writer of this package would not have written.
 */
import { isUtf8 } from 'node:buffer';
import { BadMessageError, ValueTooLargeError } from './errors.js';
import { Refusal } from './refusal.js';
import type { Steps } from './steps.js';
import * as wire from './wire.js';

const TYPE_NAMES: Readonly<Record<number, string>> = {
  [wire.BOOL]: 'bool',
  [wire.DOUBLE]: 'double',
  [wire.I32]: 'i32',
  [wire.I64]: 'i64',
  [wire.STRING]: 'string',
  [wire.STRUCT]: 'struct',
  [wire.LIST]: 'list',
};

/** V8's longest string, on 64-bit platforms, is 2^29 - 24 characters: longer than that it can't be read. */
const MAX_TEXT_BYTES = 2 ** 29 - 24;
/** How much of a long text is read at once. */
const TEXT_PIECE = 512 * 1024;
/** Up to this length looking at the bytes here is faster than a call into native code. */
const SHORT_TEXT = 48;

export class StrictReader {
  readonly bytes: Buffer;
  readonly #view: DataView;
  readonly #end: number;
  /** Of the next byte to read. */
  offset = 0;

  /** @throws {Refusal} if there are more bytes than that */
  constructor(bytes: Uint8Array, maxBytes: number) {
    if (bytes.byteLength > maxBytes) {
      throw new Refusal((path) => new ValueTooLargeError(path, 'maxBytes', maxBytes));
    }
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#end = bytes.byteLength;
  }

  /** @param offset where in the bytes it is wrong; by default, what comes next */
  bad(reason: string, offset: number = this.offset): Refusal {
    return new Refusal((path) => new BadMessageError(path, offset, reason));
  }

  get left(): number {
    return this.#end - this.offset;
  }

  /** Moves on by a number of bytes. @returns the offset of the first */
  #take(bytes: number): number {
    const start = this.offset;
    if (bytes > this.#end - start) {
      throw this.bad('the message ends too early', this.#end);
    }
    this.offset = start + bytes;
    return start;
  }

  byte(): number {
    return this.#view.getUint8(this.#take(1));
  }

  i32(): number {
    return this.#view.getInt32(this.#take(4));
  }

  /** @returns a number when it is safe, and a bigint otherwise */
  i64(): number | bigint {
    const start = this.#take(8);
    const value = this.#view.getInt32(start) * 0x1_0000_0000 + this.#view.getUint32(start + 4);
    return Number.isSafeInteger(value) ? value : this.#view.getBigInt64(start);
  }

  double(): number {
    return this.#view.getFloat64(this.#take(8));
  }

  bool(): boolean {
    const value = this.byte();
    if (value > 1) {
      throw this.bad(`a bool is 0 or 1, and not ${value}`, this.offset - 1);
    }
    return value === 1;
  }

  /** Reads the length of a string or binary, and moves past it. @returns the offset of its first byte */
  chunk(): number {
    const length = this.i32();
    if (length < 0) {
      throw this.bad(`a negative length (${length})`, this.offset - 4);
    }
    if (length > this.left) {
      throw this.bad(`a length of ${length} where ${this.left} bytes are left`, this.offset - 4);
    }
    return this.#take(length);
  }

  text(): string {
    const start = this.chunk();
    const end = this.offset;
    const bytes = this.bytes;
    if (end - start <= SHORT_TEXT) {
      let index = start;
      while (index < end && this.#view.getUint8(index) < 0x80) {
        index++;
      }
      if (index === end) {
        return bytes.toString('latin1', start, end);
      }
    }
    if (end - start > MAX_TEXT_BYTES) {
      throw this.bad('a string that is longer than any can be', start - 4);
    }
    if (!isUtf8(bytes.subarray(start, end))) {
      throw this.bad('a string that is not UTF-8', start);
    }
    return bytes.toString('utf8', start, end);
  }

  /** The length of the string or binary that comes, or what is there in its place. */
  nextLength(): number {
    return this.left < 4 ? 0 : this.#view.getInt32(this.offset);
  }

  /** As {@link text}, piece by piece. */
  *longText(): Steps<string> {
    const start = this.chunk();
    const end = this.offset;
    if (end - start > MAX_TEXT_BYTES) {
      throw this.bad('a string that is longer than any can be', start - 4);
    }
    let text = '';
    for (let at = start; at < end;) {
      const next = this.#characterBefore(Math.min(at + TEXT_PIECE, end), end);
      if (!isUtf8(this.bytes.subarray(at, next))) {
        throw this.bad('a string that is not UTF-8', start);
      }
      text += this.bytes.toString('utf8', at, next);
      at = next;
      yield;
    }
    return text;
  }

  /** As {@link text}, but of what is longer only the beginning, with a mark. What isn't read need not be UTF-8. */
  clippedText(maxBytes: number): string {
    if (this.nextLength() <= maxBytes) {
      return this.text();
    }
    const start = this.chunk();
    const cut = this.#characterBefore(start + maxBytes, this.offset);
    if (!isUtf8(this.bytes.subarray(start, cut))) {
      throw this.bad('a string that is not UTF-8', start);
    }
    return `${this.bytes.toString('utf8', start, cut)}… (${this.offset - start} bytes)`;
  }

  /** Where a text can be cut: at `offset`, or up to three bytes before that. */
  #characterBefore(offset: number, end: number): number {
    let cut = offset;
    while (cut < end && offset - cut < 3 && (this.#view.getUint8(cut) & 0xc0) === 0x80) {
      cut--;
    }
    return cut;
  }

  /** Moves past a string if it is the one that is given, which has to be ASCII. @returns whether it was */
  skipText(text: string): boolean {
    const length = text.length;
    const start = this.offset + 4;
    if (start + length > this.#end || this.#view.getInt32(this.offset) !== length) {
      return false;
    }
    for (let index = 0; index < length; index++) {
      const byte = this.#view.getUint8(start + index);
      if (byte !== text.charCodeAt(index) || byte > 0x7f) {
        return false;
      }
    }
    this.offset = start + length;
    return true;
  }

  /** @param elementType the type that the elements must be of @returns how many elements come */
  list(elementType: number): number {
    const type = this.byte();
    if (type !== elementType) {
      throw this.bad(`a list of ${typeName(type)}, and not of ${typeName(elementType)}`, this.offset - 1);
    }
    const count = this.i32();
    if (count < 0) {
      throw this.bad(`a negative count (${count})`, this.offset - 4);
    }
    // Every element of this protocol takes at least a byte.
    if (count > this.left) {
      throw this.bad(`a count of ${count} where ${this.left} bytes are left`, this.offset - 4);
    }
    return count;
  }

  /** Reads the id that follows the type of a field. */
  fieldId(): number {
    return this.#view.getInt16(this.#take(2));
  }

  /** Reads the header of the one field that may come here. */
  field(type: number, id: number, name: string): void {
    const start = this.offset;
    const found = this.byte();
    if (found === wire.STOP) {
      throw this.bad(`the field '${name}' is missing`, start);
    }
    const foundId = this.fieldId();
    if (foundId !== id) {
      throw this.bad(`field ${foundId} where '${name}' (${id}) belongs`, start);
    }
    this.type(found, type, start);
  }

  type(found: number, expected: number, offset: number): void {
    if (found !== expected) {
      throw this.bad(`a field of type ${typeName(found)}, and not ${typeName(expected)}`, offset);
    }
  }

  /** Reads the end of a struct that has all its fields. */
  stop(): void {
    const start = this.offset;
    if (this.byte() !== wire.STOP) {
      throw this.bad('a field too many', start);
    }
  }

  end(): void {
    if (this.left > 0) {
      throw this.bad(`${this.left} bytes after the end`);
    }
  }
}

function typeName(type: number): string {
  return TYPE_NAMES[type] ?? `type ${type}`;
}
