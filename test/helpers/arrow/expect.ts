import type { Test } from 'tap';
import {
  InvalidArrowError,
  validateArrow,
  type ArrowLimits,
  type ArrowReason,
} from '../../../lib/arrow/validate.js';
import { probe } from './probe.js';

/** Why the bytes are refused, or undefined if they are not. */
export function refusal(bytes: Uint8Array, limits?: Partial<ArrowLimits>): InvalidArrowError | undefined {
  try {
    validateArrow(bytes, limits);
    return undefined;
  } catch (error) {
    if (error instanceof InvalidArrowError) return error;
    throw error;
  }
}

export function refuses(
  t: Test,
  bytes: Uint8Array,
  reason: ArrowReason,
  name: string,
  limits?: Partial<ArrowLimits>,
): void {
  const error = refusal(bytes, limits);
  t.equal(error?.reason, reason, `${name}: ${error?.message ?? 'accepted'}`);
}

/** That the bytes are accepted and that apache-arrow reads all of them. */
export function accepts(t: Test, bytes: Uint8Array, name: string): void {
  t.equal(probe(bytes)?.message, undefined, name);
}
