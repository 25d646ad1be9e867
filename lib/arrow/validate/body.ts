import { countOnes, Validity } from './bitmap.js';
import { fail } from './errors.js';
import { readInt64 } from './flatbuffer.js';
import { MAX_ARRAY_LENGTH } from './limits.js';
import type { BatchHeader, Input, Message } from './message.js';

/** Length and null count of an array, as the file claims them. */
export interface Node {
  readonly length: number;
  readonly nullCount: number;
  /** Where the claim is made. */
  readonly position: number;
}

/** A buffer that lies inside the body, at a multiple of eight. */
export interface Region {
  /** Offset in the input. */
  readonly offset: number;
  readonly length: number;
}

/** Hands out the nodes, buffers and counts of one batch in order, each checked by itself. */
export class Body {
  readonly #input: Input;
  readonly #header: BatchHeader;
  readonly #start: number;
  readonly #length: number;
  #nodes = 0;
  #buffers = 0;
  #counts = 0;
  /** End of the last buffer that was not empty, in the body. */
  #used = 0;

  constructor(input: Input, message: Message, header: BatchHeader) {
    this.#input = input;
    this.#header = header;
    this.#start = message.frame.body;
    this.#length = message.bodyLength;
  }

  node(path: string): Node {
    const { nodes } = this.#header;
    if (this.#nodes === nodes.length) fail('batch', 'Too few field nodes', nodes.position, path);
    const position = nodes.position + 16 * this.#nodes++;
    const length = readInt64(this.#input.view, position);
    const nullCount = readInt64(this.#input.view, position + 8);
    if (length < 0) fail('batch', `Length ${length}`, position, path);
    if (length > MAX_ARRAY_LENGTH)
      fail('unsupported', `apache-arrow can't read ${length} rows`, position, path);
    return { length, nullCount, position };
  }

  buffer(path: string): Region {
    const { buffers } = this.#header;
    if (this.#buffers === buffers.length) fail('batch', 'Too few buffers', buffers.position, path);
    const position = buffers.position + 16 * this.#buffers++;
    const offset = readInt64(this.#input.view, position);
    const length = readInt64(this.#input.view, position + 8);
    if (offset < 0 || length < 0 || offset + length > this.#length) {
      fail('buffer', `Buffer of ${length} bytes at ${offset} in a body of ${this.#length}`, position, path);
    }
    if (offset % 8 !== 0)
      fail('buffer', `Buffer at ${offset}, which is no multiple of eight`, position, path);
    if (length > 0) {
      // Every writer puts buffers in the order of the columns. If they could overlap, a small body could stand for
      // a table of any size.
      if (offset < this.#used) fail('buffer', 'Buffer overlaps the one before it', position, path);
      this.#used = offset + length;
    }
    return { offset: this.#start + offset, length };
  }

  /** A buffer of `needed` bytes or more. */
  bufferOf(needed: number, what: string, path: string): Region {
    const region = this.buffer(path);
    if (region.length < needed) {
      fail(
        'buffer',
        `${what} take ${needed} bytes, but the buffer has ${region.length}`,
        region.offset,
        path,
      );
    }
    return region;
  }

  /** The validity bitmap of an array, after counting the nulls. */
  validity(node: Node, path: string): Validity {
    const { length, nullCount, position } = node;
    if (nullCount < 0 || nullCount > length)
      fail('null-count', `${nullCount} nulls in ${length} rows`, position, path);
    const { bytes } = this.#input;
    const region = this.bufferOf(nullCount > 0 ? Math.ceil(length / 8) : 0, 'Validity bits', path);
    if (region.length > 0) {
      if (region.length < Math.ceil(length / 8))
        fail('buffer', 'Validity bitmap is too short', region.offset, path);
      const nulls = length - countOnes(bytes, region.offset, length);
      if (nulls !== nullCount) {
        fail('null-count', `${nulls} nulls instead of ${nullCount}`, region.offset, path);
      }
    }
    return new Validity(bytes, region.offset, length, nullCount);
  }

  /** How many data buffers the next column of views has. */
  variadicCount(path: string): number {
    const { variadicCounts, buffers } = this.#header;
    if (this.#counts === variadicCounts.length) {
      fail('batch', 'Too few variadic buffer counts', variadicCounts.position, path);
    }
    const position = variadicCounts.position + 8 * this.#counts++;
    const count = readInt64(this.#input.view, position);
    if (count < 0 || count > buffers.length - this.#buffers) {
      fail('batch', `${count} variadic buffers`, position, path);
    }
    return count;
  }

  /** Checks that nothing is left over. */
  finish(path: string): void {
    const { nodes, buffers, variadicCounts } = this.#header;
    if (this.#nodes !== nodes.length) fail('batch', 'Too many field nodes', nodes.position, path);
    if (this.#buffers !== buffers.length) fail('batch', 'Too many buffers', buffers.position, path);
    if (this.#counts !== variadicCounts.length) {
      fail('batch', 'Too many variadic buffer counts', variadicCounts.position, path);
    }
  }
}
