/**
 * Checks of unions. Both functions return the first index that is wrong, or -1. A type id is known if `children` has
 * a number of a child for it, and -1 otherwise.
 */
export function findBadTypeId(ids: Uint8Array, children: Int16Array): number {
  for (let i = 0; i < ids.length; i++) if (children[ids[i]!]! < 0) return i;
  return -1;
}

/** Where each type id leads: the number of its child, or -1. Ids are bytes; negative ones are above 127. */
export function childNumbers(ids: readonly number[]): Int16Array {
  const children = new Int16Array(256).fill(-1);
  ids.forEach((id, child) => (children[id] = child));
  return children;
}

/**
 * Offsets of a dense union: inside their child, and for each child in order. `repeats` counts for each child how
 * often an offset is the same as the one before. The type ids must have been checked.
 */
export function findBadUnionOffset(
  ids: Uint8Array,
  offsets: Int32Array,
  children: Int16Array,
  lengths: Float64Array,
  repeats: Float64Array,
): number {
  const last = new Int32Array(lengths.length).fill(-1);
  for (let i = 0; i < ids.length; i++) {
    const child = children[ids[i]!]!;
    const offset = offsets[i]!;
    const previous = last[child]!;
    if (offset < 0 || offset < previous || offset >= lengths[child]!) return i;
    if (offset === previous) repeats[child] = repeats[child]! + 1;
    last[child] = offset;
  }
  return -1;
}
