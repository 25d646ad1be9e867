/** Plain values, and their encoding as `union Value` of protocol.thrift. */
import { BinaryWriter } from './binary-writer.js';
import { ValueDecoder } from './decode-value.js';
import { ValueEncoder } from './encode-value.js';
import { type ValueLimits, withDefaults } from './limits.js';
import { withPaths } from './refusal.js';
import { allSteps } from './steps.js';
import { StrictReader } from './strict-reader.js';

/**
 * What can be a param or a return value: like JSON, and exact.
 *
 * - Numbers arrive as they are: NaN, the infinities and -0 too.
 * - A bigint has at most 64 bits. It arrives as a number if it is a safe integer, and as a bigint otherwise.
 * - Strings are well-formed: a lone surrogate is refused, and not replaced.
 * - A `Buffer` arrives as a `Uint8Array`. Other typed arrays and ArrayBuffers are refused: send `[...array]`, or bytes.
 * - A Date arrives as a Date, an invalid one too.
 * - Objects are plain: made by `{}`, `Object.create(null)`, or in another realm. Their enumerable properties arrive in
 *   the same order, on an object made by `{}`; `__proto__` is a key like any other. A Map has strings as keys, and
 *   arrives as a Map.
 * - An array's elements are sent, its named properties are not, as in JSON.
 * - `undefined` at the top is null. Inside of a value it is refused, as are functions, symbols, cycles and instances of
 *   classes. An object that is there twice without a cycle is sent twice.
 */
export type PlainValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | Date
  | PlainValue[]
  | { [key: string]: PlainValue }
  | Map<string, PlainValue>;

export interface EncodeOptions {
  readonly limits?: Partial<ValueLimits>;
  /** How paths begin in errors. @default 'value' */
  readonly root?: string;
}

export interface DecodeOptions extends EncodeOptions {
  /**
   * Whether the caller gives the bytes away. If so, a Uint8Array that makes up most of them may be a view of them. A
   * caller that maps, reuses or writes to the memory says no, and gets copies.
   * @default false
   */
  readonly ownsBytes?: boolean;
}

/**
 * Encodes one value by itself.
 *
 * @returns the bytes, in one or more pieces that share no memory with the value
 * @throws {UnsupportedValueError | ValueTooLargeError}
 */
export function encodeValue(value: unknown, { limits, root = 'value' }: EncodeOptions = {}): Buffer[] {
  const all = withDefaults(limits);
  return withPaths(root, () => {
    const writer = new BinaryWriter(all.maxBytes);
    new ValueEncoder(writer, all).encode(value, root);
    return writer.finish();
  });
}

/**
 * Decodes what {@link encodeValue} gave.
 *
 * @throws {BadMessageError | ValueTooLargeError}
 */
export function decodeValue(bytes: Uint8Array, options: DecodeOptions = {}): PlainValue {
  const { root = 'value', ownsBytes = false } = options;
  const limits = withDefaults(options.limits);
  return withPaths(root, () => {
    const reader = new StrictReader(bytes, limits.maxBytes);
    const value = allSteps(new ValueDecoder(reader, limits, ownsBytes).decode());
    reader.end();
    return value;
  });
}
