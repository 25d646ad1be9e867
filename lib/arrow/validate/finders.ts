import {
  findBadDecimal,
  findBadIndex16,
  findBadIndex32,
  findBadIndex8,
  findBadTime32,
  findBadTime64,
  findUnsafe,
} from './numbers.js';
import type { ValueRule } from './types.js';

/** Gives the first index from `from` on whose value is wrong, or -1. */
export type Finder = (from: number) => number;

/** Looks for breaches of a type's rule among `length` values at `start` in `memory`. */
export function breachFinder(
  rule: ValueRule,
  memory: ArrayBufferLike,
  start: number,
  length: number,
): Finder {
  switch (rule.rule) {
    case 'time': {
      const words = new Uint32Array(memory, start, (length * rule.width) / 4);
      const { limit } = rule;
      return rule.width === 4
        ? (from) => findBadTime32(words, from, limit)
        : (from) => findBadTime64(words, from, limit);
    }
    case 'safe': {
      const halves = new Int32Array(memory, start, length * 2);
      return (from) => findUnsafe(halves, from, rule.scale);
    }
    case 'decimal': {
      const words = new Uint32Array(memory, start, length * 4);
      return (from) => findBadDecimal(words, from, rule.precision);
    }
  }
}

/** A breach of each rule in words. */
export const BREACHES: Readonly<Record<ValueRule['rule'], string>> = {
  time: 'Time of day outside the day',
  safe: "Date outside of what JavaScript's numbers hold exactly",
  decimal: 'Decimal with more digits than its precision',
};

/** Looks for indices of `limit` and more. */
export function badIndexFinder(
  width: 1 | 2 | 4,
  limit: number,
  memory: ArrayBufferLike,
  start: number,
  length: number,
): Finder {
  switch (width) {
    case 1: {
      const indices = new Uint8Array(memory, start, length);
      return (from) => findBadIndex8(indices, from, limit);
    }
    case 2: {
      const indices = new Uint16Array(memory, start, length);
      return (from) => findBadIndex16(indices, from, limit);
    }
    case 4: {
      const indices = new Uint32Array(memory, start, length);
      return (from) => findBadIndex32(indices, from, limit);
    }
  }
}
