/** One name for what a result is made of. */
import { createHash } from 'node:crypto';
import { encodeValue } from '../protocol/value.js';

/**
 * SHA-256, in hexadecimal, of a plain value: as it is sent to a child, so that two that a child could tell apart have two.
 *
 * @throws {UnsupportedValueError | ValueTooLargeError}
 */
export function digestOf(value: unknown, root = 'value'): string {
  const hash = createHash('sha256');
  for (const chunk of encodeValue(value, { root })) hash.update(chunk);
  return hash.digest('hex');
}
