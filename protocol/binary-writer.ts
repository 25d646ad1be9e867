/**
 * Writes Thrift's binary protocol into chunks.
 *
 * npm thrift's own TBinaryProtocol would do, but it allocates a Buffer for every field, copies large ones twice, and
 * writes -0 as 0. That both write the same bytes is a unit test.
 */
import { UnsupportedValueError, ValueTooLargeError } from './errors.js';
import { Refusal } from './refusal.js';
import { STOP } from './wire.js';

/** Most messages fit in the first chunk. */
const FIRST_CHUNK = 2 * 1024;
/** Chunks grow up to this; what is larger by itself gets a chunk of its own, so that nothing is copied twice. */
const LARGEST_CHUNK = 1024 * 1024;
/** Up to this length a loop over the characters is faster than a call into native code. */
const SHORT_TEXT = 48;

const lengthProperty = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), 'length');

/** Not `array.length`, which an own property can hide. */
const lengthOf = (array: Uint8Array): number => lengthProperty?.get?.call(array) as number;

/** `String.prototype.isWellFormed`, which Node 20 has and the `lib` that this is compiled with doesn't. */
const isWellFormed = (text: string): boolean => (text as string & { isWellFormed(): boolean }).isWellFormed();

export class BinaryWriter {
  readonly #maxBytes: number;
  readonly #chunks: Buffer[] = [];
  #usualSize = FIRST_CHUNK;
  /** Bytes in #chunks. */
  #flushed = 0;
  #chunk: Buffer;
  #view: DataView;
  #position = 0;

  /** @param firstChunk how many bytes the message will hardly have more than: what fits in it is in one piece */
  constructor(maxBytes: number, firstChunk: number = FIRST_CHUNK) {
    this.#maxBytes = maxBytes;
    this.#chunk = Buffer.allocUnsafe(Math.min(Math.max(firstChunk, FIRST_CHUNK), LARGEST_CHUNK));
    this.#view = viewOf(this.#chunk);
  }

  /** The message, in one or more pieces, each with memory of its own. */
  finish(): Buffer[] {
    this.#flush();
    if (this.#flushed > this.#maxBytes) {
      throw this.#tooLarge();
    }
    return this.#chunks;
  }

  field(type: number, id: number): void {
    this.#reserve(3);
    const chunk = this.#chunk;
    const position = this.#position;
    chunk[position] = type;
    chunk[position + 1] = id >> 8;
    chunk[position + 2] = id;
    this.#position = position + 3;
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#chunk[this.#position++] = value;
  }

  stop(): void {
    this.byte(STOP);
  }

  /** What comes before the elements of a list. */
  list(elementType: number, length: number): void {
    this.byte(elementType);
    this.i32(length);
  }

  i32(value: number): void {
    this.#reserve(4);
    this.#view.setInt32(this.#position, value);
    this.#position += 4;
  }

  /** @param value a safe integer */
  i64(value: number): void {
    this.#reserve(8);
    this.#view.setInt32(this.#position, Math.floor(value / 0x1_0000_0000));
    this.#view.setUint32(this.#position + 4, value >>> 0);
    this.#position += 8;
  }

  /** @param value one that fits in 64 bits */
  bigI64(value: bigint): void {
    this.#reserve(8);
    this.#view.setBigInt64(this.#position, value);
    this.#position += 8;
  }

  double(value: number): void {
    this.#reserve(8);
    this.#view.setFloat64(this.#position, value);
    this.#position += 8;
  }

  text(value: string): void {
    const length = value.length;
    if (length > SHORT_TEXT) {
      this.#longText(value);
      return;
    }
    this.#reserve(4 + length);
    const chunk = this.#chunk;
    const start = this.#position + 4;
    for (let i = 0; i < length; i++) {
      const character = value.charCodeAt(i);
      if (character > 0x7f) {
        this.#longText(value);
        return;
      }
      chunk[start + i] = character;
    }
    this.#view.setInt32(this.#position, length);
    this.#position = start + length;
  }

  #longText(value: string): void {
    const start = this.#position + 4;
    // Nearly all text is ASCII, which has as many bytes as characters: then this one call into native code is all.
    if (start + 3 * value.length <= this.#chunk.length && value.length <= this.#maxBytes) {
      const bytes = this.#chunk.write(value, start);
      if (bytes === value.length) {
        this.#view.setInt32(this.#position, bytes);
        this.#position = start + bytes;
        return;
      }
    }
    if (!isWellFormed(value)) {
      throw new Refusal(
        (path) =>
          new UnsupportedValueError(path, 'a string with a lone surrogate, which UTF-8 has no bytes for'),
      );
    }
    const bytes = Buffer.byteLength(value);
    this.#length(bytes);
    this.#chunk.write(value, this.#position, bytes, bytes === value.length ? 'latin1' : 'utf8');
    this.#position += bytes;
  }

  bytes(value: Uint8Array): void {
    const bytes = lengthOf(value);
    this.#length(bytes);
    this.#chunk.set(value, this.#position);
    this.#position += bytes;
  }

  /** What another has written. */
  raw(written: Uint8Array): void {
    this.#reserve(written.byteLength);
    this.#chunk.set(written, this.#position);
    this.#position += written.byteLength;
  }

  /** Writes the length of something, and makes room for it. */
  #length(bytes: number): void {
    if (bytes > this.#maxBytes) {
      throw this.#tooLarge();
    }
    this.i32(bytes);
    this.#reserve(bytes);
  }

  #reserve(bytes: number): void {
    if (this.#position + bytes <= this.#chunk.length) {
      return;
    }
    this.#flush();
    if (this.#flushed + bytes > this.#maxBytes) {
      throw this.#tooLarge();
    }
    if (bytes <= LARGEST_CHUNK) {
      this.#usualSize = Math.min(this.#usualSize * 2, LARGEST_CHUNK);
    }
    this.#chunk = Buffer.allocUnsafeSlow(bytes <= LARGEST_CHUNK ? Math.max(bytes, this.#usualSize) : bytes);
    this.#view = viewOf(this.#chunk);
  }

  #flush(): void {
    if (this.#position > 0) {
      this.#chunks.push(this.#chunk.subarray(0, this.#position));
      this.#flushed += this.#position;
      this.#position = 0;
    }
  }

  #tooLarge(): Refusal {
    return new Refusal((path) => new ValueTooLargeError(path, 'maxBytes', this.#maxBytes));
  }
}

function viewOf(chunk: Buffer): DataView {
  return new DataView(chunk.buffer, chunk.byteOffset, chunk.byteLength);
}
