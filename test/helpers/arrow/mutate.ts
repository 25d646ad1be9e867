/** Random numbers that are the same for the same seed (mulberry32). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** An integer from 0 to below `limit`. */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let x = this.#state;
    x = Math.imul(x ^ (x >>> 15), x | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return Math.floor((((x ^ (x >>> 14)) >>> 0) / 2 ** 32) * limit);
  }

  pick<T>(values: readonly T[]): T {
    return values[this.below(values.length)] as T;
  }
}

/** Numbers at which something changes: signs, widths, what JavaScript holds exactly. */
const EDGES = [
  0,
  1,
  2,
  3,
  4,
  7,
  8,
  16,
  127,
  128,
  255,
  256,
  32767,
  65535,
  2 ** 24,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32 - 1,
];
const WIDE_EDGES = [0n, 1n, -1n, 8n, 2n ** 31n, 2n ** 32n, 2n ** 53n - 1n, 2n ** 53n, 2n ** 60n, 2n ** 63n - 1n, -(2n ** 63n)]; // prettier-ignore

type Mutation = (bytes: Uint8Array, random: Random, other: Uint8Array) => Uint8Array;

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** A multiple of `step` at which `size` bytes fit. */
function position(bytes: Uint8Array, random: Random, size: number, step: number): number {
  return step * random.below(Math.floor((bytes.length - size) / step) + 1);
}

const flipBit: Mutation = (bytes, random) => {
  const at = random.below(bytes.length);
  bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
  return bytes;
};

const setByte: Mutation = (bytes, random) => {
  bytes[random.below(bytes.length)] = random.below(4) === 0 ? random.below(256) : random.pick(EDGES);
  return bytes;
};

const editInt16: Mutation = (bytes, random) => {
  const view = viewOf(bytes);
  const at = position(bytes, random, 2, 2);
  view.setInt16(at, edited(view.getInt16(at, true), random), true);
  return bytes;
};

/** Lengths, counts and offsets of flatbuffers, of messages and of values are of this size. */
const editInt32: Mutation = (bytes, random) => {
  const view = viewOf(bytes);
  const at = position(bytes, random, 4, 4);
  view.setInt32(at, edited(view.getInt32(at, true), random), true);
  return bytes;
};

function edited(value: number, random: Random): number {
  switch (random.below(5)) {
    case 0:
      return random.pick(EDGES);
    case 1:
      return value + random.pick([-8, -4, -1, 1, 4, 8]);
    case 2:
      return value * 2;
    case 3:
      return -value;
    default:
      return value ^ (1 << random.below(31));
  }
}

/** Lengths, null counts and buffers of record batches are of this size. */
const editInt64: Mutation = (bytes, random) => {
  const view = viewOf(bytes);
  const at = position(bytes, random, 8, 8);
  const value = view.getBigInt64(at, true);
  const next =
    random.below(2) === 0 ? random.pick(WIDE_EDGES) : value + BigInt(random.pick([-8, -1, 1, 8, 16, 64]));
  view.setBigInt64(at, BigInt.asIntN(64, next), true);
  return bytes;
};

const truncate: Mutation = (bytes, random) =>
  bytes.subarray(0, position(bytes, random, 0, random.pick([1, 4, 8])));

const remove: Mutation = (bytes, random) => {
  const start = position(bytes, random, 8, 8);
  const length = 8 * (1 + random.below(8));
  return concat(bytes.subarray(0, start), bytes.subarray(start + length));
};

/** Copies a part of the bytes, or of another sample's, over or into them. */
const splice: Mutation = (bytes, random, other) => {
  const source = random.below(2) === 0 ? bytes.slice() : other;
  const from = position(source, random, 8, 8);
  const part = source.subarray(from, from + 8 * (1 + random.below(16)));
  const at = position(bytes, random, 0, 8);
  const keep = random.below(2) === 0 ? at : at + part.length;
  return concat(bytes.subarray(0, at), part, bytes.subarray(keep));
};

const clear: Mutation = (bytes, random) => {
  const start = position(bytes, random, 8, 8);
  return bytes.fill(random.pick([0, 0, 255]), start, start + 8 * (1 + random.below(4)));
};

function concat(...parts: Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

const MUTATIONS = [flipBit, flipBit, setByte, editInt16, editInt32, editInt32, editInt64, editInt64, truncate, remove, splice, clear]; // prettier-ignore

/** A copy of `bytes` with one to four things wrong with it, or none if that is how it turns out. */
export function mutate(bytes: Uint8Array, random: Random, other: Uint8Array): Uint8Array {
  let mutant: Uint8Array = bytes.slice();
  for (let count = 1 + (random.below(3) === 0 ? random.below(4) : 0); count > 0; count--) {
    if (mutant.length < 8) return mutant;
    mutant = random.pick(MUTATIONS)(mutant, random, other);
  }
  return mutant;
}

/** The bytes in the middle of other memory, so that a reader that leaves them is seen. */
export function guarded(bytes: Uint8Array): Uint8Array {
  const memory = new Uint8Array(bytes.length + 128).fill(0xa5);
  memory.set(bytes, 64);
  return memory.subarray(64, 64 + bytes.length);
}
