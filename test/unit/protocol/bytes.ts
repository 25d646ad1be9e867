/** Thrift's binary protocol by hand, so that the tests can write what no writer would. */

export const BOOL = 2;
export const DOUBLE = 4;
export const I32 = 8;
export const I64 = 10;
export const STRING = 11;
export const STRUCT = 12;
export const LIST = 15;

export const stop = Buffer.of(0);

export const field = (type: number, id: number, ...content: Uint8Array[]): Buffer =>
  Buffer.concat([Buffer.of(type, (id >> 8) & 0xff, id & 0xff), ...content]);

export function i32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

export function i64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(value);
  return bytes;
}

export function double(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(value);
  return bytes;
}

export const string = (content: string | Uint8Array): Buffer =>
  Buffer.concat([i32(Buffer.from(content).length), Buffer.from(content)]);

export const struct = (...fields: Uint8Array[]): Buffer => Buffer.concat([...fields, stop]);

export const list = (type: number, count: number, ...elements: Uint8Array[]): Buffer =>
  Buffer.concat([Buffer.of(type), i32(count), ...elements]);

// Not list(): a hundred thousand elements are more than a call can take.
export const listOf = (elements: Uint8Array[]): Buffer =>
  Buffer.concat([Buffer.of(STRUCT), i32(elements.length), ...elements]);

/** As many copies of the same bytes as a size has room for. */
export function repeat(bytes: Uint8Array, size: number): Uint8Array[] {
  return new Array<Uint8Array>(Math.floor(size / bytes.length)).fill(bytes);
}

/** The members of `union Value`. */
export const values = {
  nothing: struct(field(STRUCT, 1, struct())),
  flag: (byte: number) => struct(field(BOOL, 2, Buffer.of(byte))),
  integer: (value: bigint) => struct(field(I64, 3, i64(value))),
  real: (value: number) => struct(field(DOUBLE, 4, double(value))),
  text: (content: string | Uint8Array) => struct(field(STRING, 5, string(content))),
  bytes: (content: Uint8Array) => struct(field(STRING, 6, string(content))),
  date: (ms: number) => struct(field(DOUBLE, 7, double(ms))),
  items: (elements: Uint8Array[]) => struct(field(LIST, 8, listOf(elements))),
  fields: (entries: Uint8Array[]) => struct(field(LIST, 9, listOf(entries))),
  entries: (entries: Uint8Array[]) => struct(field(LIST, 10, listOf(entries))),
};

export const entry = (key: string | Uint8Array, value: Uint8Array): Buffer =>
  struct(field(STRING, 1, string(key)), field(STRUCT, 2, value));

/** A Result that holds a value. */
export const returned = (value: Uint8Array, tables: Uint8Array[] = []): Buffer =>
  struct(
    field(
      STRUCT,
      1,
      struct(field(STRUCT, 1, struct(field(STRUCT, 1, value), field(LIST, 2, listOf(tables))))),
    ),
  );

export const table = (name: string, offset: bigint, length: bigint): Buffer =>
  struct(field(STRING, 1, string(name)), field(I64, 2, i64(offset)), field(I64, 3, i64(length)));
