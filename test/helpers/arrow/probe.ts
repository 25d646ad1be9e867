import { validateArrow, InvalidArrowError, type ArrowLimits } from '../../../lib/arrow/validate.js';
import { guarded } from './mutate.js';
import { readAll } from './read-all.js';

/** Small enough that reading what was accepted takes no time worth mentioning. */
export const FUZZ_LIMITS: Partial<ArrowLimits> = { maxVirtualValues: 10_000 };

/** `readAll` looks at each value in several ways. */
const LOOKS = 40;

/**
 * What validateArrow is for: it accepts or refuses, and what it accepts is read to the last value, by apache-arrow,
 * within the work that it promised. Throws if that does not hold.
 *
 * @returns `undefined` if the bytes were accepted, or why not.
 */
export function probe(bytes: Uint8Array): InvalidArrowError | undefined {
  const input = guarded(bytes);
  try {
    validateArrow(input, FUZZ_LIMITS);
  } catch (error) {
    if (error instanceof InvalidArrowError) return error;
    throw error;
  }
  readAll(input, LOOKS * ((FUZZ_LIMITS.maxVirtualValues ?? 0) + 8 * input.length));
  return undefined;
}
