/**
 * Offsets of variable-width values, 32 or 64 bits wide. The two widths have functions of their own, since code that
 * sees several kinds of typed arrays runs at a fraction of the speed.
 */
export interface Offsets {
  readonly count: number;
  at(index: number): number;
  /** The first index whose offset is less than the one before it, or -1; and the longest value before that. */
  check(): { readonly bad: number; readonly longest: number };
}

export class Offsets32 implements Offsets {
  readonly #values: Int32Array;

  constructor(bytes: Uint8Array, offset: number, count: number) {
    this.#values = new Int32Array(bytes.buffer, bytes.byteOffset + offset, count);
  }

  get count(): number {
    return this.#values.length;
  }

  at(index: number): number {
    return this.#values[index]!;
  }

  check(): { bad: number; longest: number } {
    const values = this.#values;
    let previous = values[0]!;
    if (previous < 0) return { bad: 0, longest: 0 };
    let longest = 0;
    for (let i = 1; i < values.length; i++) {
      const value = values[i]!;
      if (value < previous) return { bad: i, longest };
      if (value - previous > longest) longest = value - previous;
      previous = value;
    }
    return { bad: -1, longest };
  }
}

export class Offsets64 implements Offsets {
  /** Low and high halves: numbers from BigInt64Array would be allocated one by one. */
  readonly #halves: Int32Array;

  constructor(bytes: Uint8Array, offset: number, count: number) {
    this.#halves = new Int32Array(bytes.buffer, bytes.byteOffset + offset, count * 2);
  }

  get count(): number {
    return this.#halves.length / 2;
  }

  at(index: number): number {
    return this.#halves[2 * index + 1]! * 2 ** 32 + (this.#halves[2 * index]! >>> 0);
  }

  check(): { bad: number; longest: number } {
    const halves = this.#halves;
    let previous = this.at(0);
    if (previous < 0) return { bad: 0, longest: 0 };
    let longest = 0;
    for (let i = 3; i < halves.length; i += 2) {
      // Beyond 2^53 this rounds. It doesn't matter: such a value is greater than the last offset may be, so either a
      // later one is less or the last one is out of range.
      const value = halves[i]! * 4294967296 + (halves[i - 1]! >>> 0);
      if (value < previous) return { bad: (i - 1) / 2, longest };
      if (value - previous > longest) longest = value - previous;
      previous = value;
    }
    return { bad: -1, longest };
  }
}
