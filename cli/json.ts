/** JSON with all digits. */
import { parse, stringify } from 'lossless-json';
import { escapeControls } from './printable.js';
import type { Cell } from './tables/infer.js';

/** As many digits as a number has that a double may not hold. */
const MANY_DIGITS = /\d{16}/;

function numberOf(text: string): number | bigint {
  const number = Number(text);
  return /^-?\d+$/.test(text) && !Number.isSafeInteger(number) ? BigInt(text) : number;
}

/** With whole numbers that JavaScript doesn't hold exactly as bigints. Node's own parser is several times faster. */
export function fromJson(text: string): Cell {
  return (MANY_DIGITS.test(text) ? parse(text, null, numberOf) : JSON.parse(text)) as Cell;
}

/**
 * With all digits of bigints and decimals; NaN and the infinities are null. What a terminal would obey is escaped
 * wherever the text goes.
 */
export function toJson(value: unknown, space?: number): string {
  return escapeControls(stringify(value, null, space) ?? 'null');
}
