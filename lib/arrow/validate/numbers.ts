/**
 * Checks of values of fixed width. Each function returns the first index from `from` on whose value is out of range,
 * or -1, knowing nothing of nulls: the caller asks whether the slot is null, and goes on behind it.
 */

/** Times of day in seconds or milliseconds: from 0 to before `limit`. */
export function findBadTime32(values: Uint32Array, from: number, limit: number): number {
  for (let i = from; i < values.length; i++) if (values[i]! >= limit) return i;
  return -1;
}

/** Times of day in microseconds or nanoseconds. `halves` are the low and high halves of the values. */
export function findBadTime64(halves: Uint32Array, from: number, limit: number): number {
  for (let i = 2 * from; i < halves.length; i += 2) {
    if (halves[i + 1]! * 4294967296 + halves[i]! >= limit) return i / 2;
  }
  return -1;
}

/** Numbers whose `scale`-th part JavaScript's numbers hold exactly, that is, less than 2^53 in magnitude. */
export function findUnsafe(halves: Int32Array, from: number, scale: number): number {
  // One less than the high half of the greatest number that is fine, so that no low half needs to be looked at.
  const high = Math.floor((Number.MAX_SAFE_INTEGER * scale) / 2 ** 32) - 1;
  for (let i = 2 * from + 1; i < halves.length; i += 2) {
    const half = halves[i]!;
    if (half > high || half < -high) {
      const value = (BigInt(half) << 32n) | BigInt(halves[i - 1]! >>> 0);
      if (!Number.isSafeInteger(Number(value / BigInt(scale)))) return (i - 1) / 2;
    }
  }
  return -1;
}

/** Decimals of 128 bits with at most `precision` digits. `words` are the four words of each value, lowest first. */
export function findBadDecimal(words: Uint32Array, from: number, precision: number): number {
  const limit = 10n ** BigInt(precision);
  // The sum below is rounded three times; what it finds closer to the limit than that is looked at exactly.
  const surely = 10 ** precision * (1 - 2 ** -40);
  for (let i = 4 * from; i < words.length; i += 4) {
    const high = words[i + 3]! | 0;
    const rounded =
      ((high * 4294967296 + words[i + 2]!) * 4294967296 + words[i + 1]!) * 4294967296 + words[i]!;
    if (rounded < surely && rounded > -surely) continue;
    const value =
      (BigInt(high) << 96n) |
      (BigInt(words[i + 2]!) << 64n) |
      (BigInt(words[i + 1]!) << 32n) |
      BigInt(words[i]!);
    if (value >= limit || value <= -limit) return i / 4;
  }
  return -1;
}

/** Indices into a dictionary of `limit` values. Negative ones are large as unsigned numbers. */
export function findBadIndex8(indices: Uint8Array, from: number, limit: number): number {
  for (let i = from; i < indices.length; i++) if (indices[i]! >= limit) return i;
  return -1;
}

export function findBadIndex16(indices: Uint16Array, from: number, limit: number): number {
  for (let i = from; i < indices.length; i++) if (indices[i]! >= limit) return i;
  return -1;
}

export function findBadIndex32(indices: Uint32Array, from: number, limit: number): number {
  for (let i = from; i < indices.length; i++) if (indices[i]! >= limit) return i;
  return -1;
}
