import { isAscii, isUtf8 } from 'node:buffer';
import type { Validity } from './bitmap.js';
import type { Offsets } from './offsets.js';

/**
 * Index of the first value that is not UTF-8, or -1. The offsets are known to be in order and inside `data`.
 *
 * Checking each value by itself costs a call into C++ for each. So the values are checked as one piece, and then
 * only that no value starts in the middle of a character.
 */
export function findBadString(data: Uint8Array, offsets: Offsets, validity: Validity): number {
  const last = offsets.count - 1;
  const piece = data.subarray(offsets.at(0), offsets.at(last));
  if (isAscii(piece)) return -1;
  if (isUtf8(piece) && !splitsCharacter(data, offsets)) return -1;
  // Something is wrong, but it may be in null slots, which may hold anything.
  for (let i = 0; i < last; i++) {
    if (!validity.isNull(i) && !isString(data, offsets.at(i), offsets.at(i + 1))) return i;
  }
  return -1;
}

function splitsCharacter(data: Uint8Array, offsets: Offsets): boolean {
  const last = offsets.count - 1;
  const end = offsets.at(last);
  for (let i = 1; i < last; i++) {
    const offset = offsets.at(i);
    if (offset < end && (data[offset]! & 0xc0) === 0x80) return true;
  }
  return false;
}

/** Below this length a loop is faster than a call of `isUtf8`. */
const SHORT = 24;

export function isString(data: Uint8Array, start: number, end: number): boolean {
  if (end - start <= SHORT) {
    let high = 0;
    for (let i = start; i < end; i++) high |= data[i]!;
    if (high < 0x80) return true;
  }
  return isUtf8(data.subarray(start, end));
}
