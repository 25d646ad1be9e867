/** How many of the first `length` bits are set. `offset` is a multiple of eight; the bytes must be there. */
export function countOnes(bytes: Uint8Array, offset: number, length: number): number {
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset + offset, length >>> 5);
  let count = 0;
  // for-of over a typed array takes ten times as long.
  // eslint-disable-next-line @typescript-eslint/prefer-for-of
  for (let i = 0; i < words.length; i++) {
    const bits = words[i]!;
    const pairs = bits - ((bits >>> 1) & 0x55555555);
    const nibbles = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333);
    count += Math.imul((nibbles + (nibbles >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
  }
  for (let i = words.length * 32; i < length; i++) count += getBit(bytes, offset, i);
  return count;
}

export function getBit(bytes: Uint8Array, offset: number, index: number): number {
  return (bytes[offset + (index >>> 3)]! >>> (index & 7)) & 1;
}

/** Which slots of an array are null. What lies in a null slot's value is nobody's business. */
export class Validity {
  readonly nullCount: number;
  readonly #bytes: Uint8Array;
  readonly #offset: number;
  readonly #length: number;

  constructor(bytes: Uint8Array, offset: number, length: number, nullCount: number) {
    this.#bytes = bytes;
    this.#offset = offset;
    this.#length = length;
    this.nullCount = nullCount;
  }

  /** Where to go on, after a null before `from`: runs of nulls are skipped, eight at a time. */
  skipNulls(from: number): number {
    let next = from;
    while (next % 8 === 0 && next < this.#length && this.#bytes[this.#offset + next / 8] === 0) next += 8;
    return next;
  }

  isNull(index: number): boolean {
    return this.nullCount > 0 && getBit(this.#bytes, this.#offset, index) === 0;
  }
}
