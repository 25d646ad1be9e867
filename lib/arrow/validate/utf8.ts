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

/** Up to this length a loop is faster than a call of `isUtf8`. */
const SHORT = 64;

/** Whether these bytes are UTF-8. */
export function isString(data: Uint8Array, start: number, end: number): boolean {
  return end - start > SHORT ? isUtf8(data.subarray(start, end)) : isShortString(data, start, end);
}

/** The same in a loop: table 3-7 of the Unicode standard, "well-formed UTF-8 byte sequences". */
function isShortString(data: Uint8Array, start: number, end: number): boolean {
  let i = start;
  while (i < end) {
    const first = data[i++]!;
    if (first < 0x80) continue;
    if (first < 0xc2 || first > 0xf4) return false;
    const more = first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
    if (i + more > end) return false;
    // What would be longer than need be, a surrogate, or beyond U+10FFFF.
    const second = data[i]!;
    const least = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
    const most = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
    if (second < least || second > most) return false;
    if (more > 1 && (data[i + 1]! & 0xc0) !== 0x80) return false;
    if (more > 2 && (data[i + 2]! & 0xc0) !== 0x80) return false;
    i += more;
  }
  return true;
}
