/** The values of an Arrow column as text formats have them. */
import {
  DataType,
  DateUnit,
  MapRow,
  StructRow,
  TimeUnit,
  Vector,
  type Data,
  type Decimal,
  type Table,
} from 'apache-arrow';
import { LosslessNumber } from 'lossless-json';
import { showTimestamp } from './timestamps.js';

/** A value of a table. A {@link LosslessNumber} has all digits of a decimal. */
export type ShownCell =
  | null
  | boolean
  | number
  | bigint
  | string
  | LosslessNumber
  | readonly ShownCell[]
  | { readonly [key: string]: ShownCell };

type Reader = (index: number) => ShownCell;

const MS_PER_DAY = 86_400_000;

/** The most digits that a decimal has: one of more zeros than that has an exponent. */
const MOST_DIGITS = 76;

function showDecimal(words: Uint32Array, { scale, bitWidth }: Decimal): LosslessNumber {
  const unsigned = words.reduceRight((sum, word) => (sum << 32n) | BigInt(word), 0n);
  const value = BigInt.asIntN(bitWidth, unsigned);
  if (Math.abs(scale) > MOST_DIGITS) return new LosslessNumber(value === 0n ? '0' : `${value}e${-scale}`);
  const digits = String(value < 0n ? -value : value).padStart(Math.max(scale, 0) + 1, '0');
  const whole = scale > 0 ? digits.slice(0, -scale) : digits + '0'.repeat(-scale);
  const fraction = scale > 0 ? `.${digits.slice(-scale)}` : '';
  return new LosslessNumber(`${value < 0n ? '-' : ''}${whole}${fraction}`);
}

const DIGITS: Readonly<Record<TimeUnit, number>> = {
  [TimeUnit.SECOND]: 0,
  [TimeUnit.MILLISECOND]: 3,
  [TimeUnit.MICROSECOND]: 6,
  [TimeUnit.NANOSECOND]: 9,
};

function showTime(value: number | bigint, unit: TimeUnit): string {
  const [seconds, fraction] = splitAt(BigInt(value), DIGITS[unit]);
  const two = (number: bigint): string => String(number).padStart(2, '0');
  return `${two(seconds / 3600n)}:${two((seconds / 60n) % 60n)}:${two(seconds % 60n)}${fraction}`;
}

function splitAt(value: bigint, digits: number): [whole: bigint, fraction: string] {
  const scale = 10n ** BigInt(digits);
  return [value / scale, digits === 0 ? '' : `.${String(value % scale).padStart(digits, '0')}`];
}

const base64 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');

/** Of a value that apache-arrow gives for a type that is not told apart here. */
function plain(value: unknown): ShownCell {
  if (value === null || value === undefined) return null;
  if (value instanceof Uint8Array) return base64(value);
  if (value instanceof Vector) return Array.from(value as Iterable<unknown>, plain);
  if (value instanceof StructRow || value instanceof MapRow)
    return entriesOf(value as Iterable<readonly [unknown, unknown]>);
  if (ArrayBuffer.isView(value)) return Array.from(value as Int32Array);
  switch (typeof value) {
    case 'boolean':
    case 'number':
    case 'bigint':
    case 'string':
      return value;
    default:
      throw new TypeError(`apache-arrow gives a ${typeof value}`);
  }
}

function entriesOf(entries: Iterable<readonly [unknown, unknown]>): ShownCell {
  return Object.fromEntries(Array.from(entries, ([key, value]) => [key as string, plain(value)]));
}

function childReader(data: Data): Reader {
  const [child] = data.children;
  return child === undefined ? () => null : readerOf(child);
}

/** Where each list begins, and the last one ends. */
function listReader(data: Data, offset: (index: number) => number): Reader {
  const read = childReader(data);
  return (index) => {
    const start = offset(index);
    return Array.from({ length: offset(index + 1) - start }, (_, at) => read(start + at));
  };
}

function valueReader(data: Data): Reader {
  const type = data.type;
  const values = data.values as ArrayLike<number | bigint>;
  if (DataType.isDecimal(type)) {
    const words = data.values as Uint32Array;
    const stride = type.bitWidth / 32;
    return (index) => showDecimal(words.subarray(index * stride, (index + 1) * stride), type);
  }
  if (DataType.isDictionary(type)) {
    const chunks = (data.dictionary?.data ?? []) as readonly Data[];
    const read = chunks.map((chunk) => ({
      length: chunk.length,
      read: readerOf(chunk),
    }));
    return (index) => {
      let key = Number(values[index]);
      for (const chunk of read) {
        if (key < chunk.length) return chunk.read(key);
        key -= chunk.length;
      }
      return null;
    };
  }
  if (DataType.isTimestamp(type)) return (index) => showTimestamp(BigInt(values[index] ?? 0), type);
  if (DataType.isTime(type)) return (index) => showTime(values[index] ?? 0, type.unit);
  if (DataType.isDuration(type)) return (index) => values[index] ?? 0;
  if (DataType.isList(type) || DataType.isLargeList(type)) {
    const offsets = data.valueOffsets as ArrayLike<number | bigint>;
    return listReader(data, (index) => Number(offsets[index]));
  }
  if (DataType.isFixedSizeList(type)) return listReader(data, (index) => index * type.listSize);
  if (DataType.isStruct(type)) {
    const readers = type.children.map(
      ({ name }, child) => [name, readerOf(data.children[child] ?? data)] as const,
    );
    return (index) => Object.fromEntries(readers.map(([name, read]) => [name, read(index)]));
  }
  if (DataType.isDate(type)) {
    const [perUnit, length] = type.unit === DateUnit.DAY ? [MS_PER_DAY, 10] : [1, -1];
    return (index) => {
      const date = new Date(Number(values[index]) * perUnit);
      // Beyond what a Date holds: the number that Arrow has for it.
      return Number.isNaN(date.getTime()) ? String(values[index]) : date.toISOString().slice(0, length);
    };
  }
  const vector = new Vector([data]);
  return (index) => plain(vector.get(index));
}

function readerOf(data: Data): Reader {
  const read = valueReader(data);
  return data.nullCount === 0 ? read : (index) => (data.getValid(index) ? read(index) : null);
}

/** All rows, each as the values of its columns. */
export function* rowsOf(table: Table): Generator<readonly ShownCell[]> {
  for (const { data } of table.batches) {
    const readers = data.children.map(readerOf);
    for (let index = 0; index < data.length; index++) yield readers.map((read) => read(index));
  }
}

/** Each row as an object. */
export function* objectsOf(table: Table): Generator<Readonly<Record<string, ShownCell>>> {
  const names = table.schema.fields.map(({ name }) => name);
  for (const cells of rowsOf(table))
    yield Object.fromEntries(names.map((name, index) => [name, cells[index] ?? null]));
}
