import { isAscii, isUtf8 } from 'node:buffer';
import { isString } from './utf8.js';

/** Values up to this many bytes lie in the view itself. */
const INLINE = 12;

/** A data buffer that views point into. */
export interface DataBuffer {
  readonly offset: number;
  readonly length: number;
}

/**
 * Checks 16-byte views: length, then either the value itself, padded with zeros, or its first four bytes, the number
 * of a buffer and an offset in it. Like the functions in numbers.ts the checks know nothing of nulls.
 */
export class Views {
  readonly #words: Int32Array;
  readonly #start: number;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #buffers: readonly DataBuffer[];
  readonly #texts: (Text | undefined)[];
  /** Bytes of all values that are not in their view, as often as they are referred to. */
  referred = 0;
  readonly #referredIn: Float64Array;
  longest = 0;

  constructor(
    bytes: Uint8Array,
    view: DataView,
    start: number,
    count: number,
    buffers: readonly DataBuffer[],
  ) {
    this.#words = new Int32Array(bytes.buffer, bytes.byteOffset + start, 4 * count);
    this.#start = start;
    this.#bytes = bytes;
    this.#view = view;
    this.#buffers = buffers;
    this.#referredIn = new Float64Array(buffers.length);
    this.#texts = new Array<Text | undefined>(buffers.length);
  }

  /** The first view from `from` on that points outside, or whose prefix or padding is wrong, or -1. */
  findBad(from: number): number {
    const words = this.#words;
    for (let i = 4 * from; i < words.length; i += 4) {
      const length = words[i]!;
      if (length < 0) return i / 4;
      if (length <= INLINE) {
        if (length < INLINE && !isPadded(words, i, length)) return i / 4;
        continue;
      }
      const index = words[i + 2]!;
      const buffer = this.#buffers[index];
      const offset = words[i + 3]!;
      if (buffer === undefined || offset < 0 || offset + length > buffer.length) return i / 4;
      if (this.#view.getInt32(buffer.offset + offset, true) !== words[i + 1]) return i / 4;
      // Counted only here: a null slot may claim any length.
      this.referred += length;
      this.#referredIn[index] = this.#referredIn[index]! + length;
      if (length > this.longest) this.longest = length;
    }
    return -1;
  }

  /** Bytes that findBadString looks at more than once: text that is shared, in buffers that are not UTF-8 as a whole. */
  get checkedAgain(): number {
    return this.#buffers.reduce((sum, buffer, index) => {
      const more = this.#referredIn[index]! - buffer.length;
      return more > 0 && this.#textIn(index, buffer) === 'bytes' ? sum + more : sum;
    }, 0);
  }

  /** The first view from `from` on whose value is not UTF-8, or that points outside, or -1. */
  findBadString(from: number): number {
    const words = this.#words;
    for (let i = 4 * from; i < words.length; i += 4) {
      const length = words[i]!;
      if (length <= INLINE) {
        if (((words[i + 1]! | words[i + 2]! | words[i + 3]!) & 0x80808080) !== 0) {
          const start = this.#start + 4 * i + 4;
          if (!isString(this.#bytes, start, start + length)) return i / 4;
        }
      } else if (!this.#isString(words[i + 2]!, words[i + 3]!, length)) {
        return i / 4;
      }
    }
    return -1;
  }

  #isString(index: number, offset: number, length: number): boolean {
    const buffer = this.#buffers[index];
    // It is in a null slot, or findBad would have found it.
    if (buffer === undefined || offset < 0 || offset + length > buffer.length) return false;
    const text = this.#textIn(index, buffer);
    if (text === 'ascii') return true;
    const start = buffer.offset + offset;
    if (text === 'utf8') {
      // In a buffer of whole characters, only the ends of the value can be wrong.
      const atEnd = offset + length === buffer.length;
      return !isContinuation(this.#bytes, start) && (atEnd || !isContinuation(this.#bytes, start + length));
    }
    return isString(this.#bytes, start, start + length);
  }

  #textIn(index: number, { offset, length }: DataBuffer): Text {
    const known = this.#texts[index];
    if (known !== undefined) return known;
    const data = this.#bytes.subarray(offset, offset + length);
    return (this.#texts[index] = isAscii(data) ? 'ascii' : isUtf8(data) ? 'utf8' : 'bytes');
  }
}

type Text = 'ascii' | 'utf8' | 'bytes';

function isContinuation(bytes: Uint8Array, position: number): boolean {
  return (bytes[position]! & 0xc0) === 0x80;
}

/** Whether the bytes of an inline value after its `length` are zero. */
function isPadded(words: Int32Array, view: number, length: number): boolean {
  for (let word = 0; word < 3; word++) {
    const used = length - 4 * word;
    const value = words[view + 1 + word]!;
    if (used <= 0 ? value !== 0 : used < 4 && value >>> (8 * used) !== 0) return false;
  }
  return true;
}
