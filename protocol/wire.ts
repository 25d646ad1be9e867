/**
 * The numbers of protocol.thrift and of Thrift's binary protocol that the value codec has to know, since it writes
 * and reads values without the generated classes. A unit test compares them with the generated schema.
 *
 * @see https://github.com/apache/thrift/blob/master/doc/specs/thrift-binary-protocol.md
 */

/** Thrift's type numbers. */
export const STOP = 0;
export const BOOL = 2;
export const DOUBLE = 4;
export const I32 = 8;
export const I64 = 10;
/** Strings and binaries. */
export const STRING = 11;
/** Structs and unions. */
export const STRUCT = 12;
export const LIST = 15;

/** The members of `union Value`. */
export const VALUE_NOTHING = 1;
export const VALUE_FLAG = 2;
export const VALUE_INTEGER = 3;
export const VALUE_REAL = 4;
export const VALUE_TEXT = 5;
export const VALUE_BYTES = 6;
export const VALUE_DATE = 7;
export const VALUE_ITEMS = 8;
export const VALUE_FIELDS = 9;
export const VALUE_ENTRIES = 10;

/** The fields of `struct Entry`. */
export const ENTRY_KEY = 1;
export const ENTRY_VALUE = 2;

/** The largest Date, on both sides of the epoch. */
export const MAX_DATE_MS = 8.64e15;
