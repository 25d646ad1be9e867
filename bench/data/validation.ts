/**
 * What does it cost to check a table, beside what it costs to read the same bytes?
 *
 * "open" is tableFromIPC, which looks at no value; "touch" gets every value of every column once; "bytes" adds up the
 * same bytes as 32-bit numbers, which is as fast as a loop in JavaScript goes over memory; "copy" is memcpy to memory that is
 * there already. They take turns.
 */
import * as arrow from 'apache-arrow';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { FLIGHTS } from '../../demo/flights.js';
import { validateArrow } from '../../lib/arrow/validate.js';
import { table } from '../report/text.js';
import { summarize, type Summary } from '../statistics.js';

/** About as many bytes for each table: more than the caches hold. */
export const DEFAULT_VALIDATION_BYTES = 2 ** 26;

interface Case {
  readonly name: string;
  readonly bytes: Uint8Array;
}

function flights(): Case {
  return { name: 'flights-200k.arrow', bytes: new Uint8Array(fs.readFileSync(FLIGHTS)) };
}

/** A bitmap in which each seventh slot is null. */
function someNulls(length: number): { nullBitmap: Uint8Array; nullCount: number } {
  const nullBitmap = new Uint8Array(Math.ceil(length / 64) * 8).fill(255);
  let nullCount = 0;
  for (let i = 0; i < length; i += 7) {
    nullBitmap[i >> 3] = (nullBitmap[i >> 3] ?? 0) & ~(1 << (i & 7));
    nullCount++;
  }
  return { nullBitmap, nullCount };
}

function texts(
  size: number,
  words: readonly string[],
  wide: boolean,
): Record<string, unknown> & { type: arrow.DataType } {
  const encoded = words.map((word) => new TextEncoder().encode(word));
  const data = new Uint8Array(size / 2);
  const offsets: number[] = [0];
  let end = 0;
  for (let i = 0; ; i++) {
    const word = encoded[i % encoded.length] ?? data;
    if (end + word.length > data.length) break;
    data.set(word, end);
    offsets.push((end += word.length));
  }
  const type = wide ? new arrow.LargeUtf8() : new arrow.Utf8();
  const valueOffsets = wide ? BigInt64Array.from(offsets, BigInt) : Int32Array.from(offsets);
  return { type, length: offsets.length - 1, data: data.subarray(0, end), valueOffsets };
}

function views(size: number): Record<string, unknown> & { type: arrow.DataType } {
  const length = size / 32;
  const data = new Uint8Array(size / 2).fill(0x61);
  const words = new Int32Array(4 * length);
  for (let i = 0; i < length; i++)
    words.set(i % 2 === 0 ? [16, 0x61616161, 0, 16 * i] : [4, 0x61616161], 4 * i);
  return { type: new arrow.Utf8View(), length, views: new Uint8Array(words.buffer), variadicBuffers: [data] };
}

function columns(size: number): Record<string, Record<string, unknown> & { type: arrow.DataType }> {
  const numbers = size / 4;
  const wide = size / 8;
  const ascii = ['Berlin', 'Hamburg', 'a', 'Munich Airport', '', 'Cologne', 'somewhere else'];
  const dictionary = arrow.vectorFromArray(ascii, new arrow.Utf8());
  const listLength = numbers / 5;
  return {
    'int32': { type: new arrow.Int32(), length: numbers, data: new Int32Array(numbers) },
    'float64, nulls': { type: new arrow.Float64(), length: wide, data: new Float64Array(wide), ...someNulls(wide) },
    'bool, nulls': { type: new arrow.Bool(), length: size / 4, data: new Uint8Array(size / 32), ...someNulls(size / 4) },
    'utf8, ASCII': texts(size, ascii, false),
    'utf8, other': texts(size, [...ascii, 'Köln', '東京', 'Ünïcödé'], false),
    'large_utf8, ASCII': texts(size, ascii, true),
    'utf8_view': views(size),
    'dictionary, int32': {
      type: new arrow.Dictionary(new arrow.Utf8(), new arrow.Int32(), 1),
      length: numbers,
      data: Int32Array.from({ length: numbers }, (_, i) => i % ascii.length),
      dictionary,
    },
    'list of int32': {
      type: new arrow.List(new arrow.Field('item', new arrow.Int32(), true)),
      length: listLength,
      valueOffsets: Int32Array.from({ length: listLength + 1 }, (_, i) => 4 * i),
      child: arrow.makeData({ type: new arrow.Int32(), length: 4 * listLength, data: new Int32Array(4 * listLength) }),
    },
    'timestamp, nulls': {
      type: new arrow.TimestampMicrosecond(),
      length: wide,
      data: new BigInt64Array(wide).fill(1_700_000_000_000_000n),
      ...someNulls(wide),
    },
    'time32': { type: new arrow.TimeSecond(), length: numbers, data: new Int32Array(numbers).fill(80_000) },
    'decimal128': {
      type: new arrow.Decimal(2, 12, 128),
      length: size / 16,
      data: Uint32Array.from({ length: size / 4 }, (_, i) => (i % 4 === 0 ? i : 0)),
    },
    'dense_union': {
      type: new arrow.DenseUnion([0], [new arrow.Field('a', new arrow.Int32(), true)]),
      length: size / 9,
      typeIds: new Int8Array(size / 9),
      valueOffsets: Int32Array.from({ length: size / 9 }, (_, i) => i),
      children: [arrow.makeData({ type: new arrow.Int32(), length: Math.ceil(size / 9), data: new Int32Array(Math.ceil(size / 9)) })],
    },
  }; // prettier-ignore
}

function* cases(size: number): Generator<Case> {
  yield flights();
  for (const [name, props] of Object.entries(columns(size))) {
    const data = arrow.makeData(props as unknown as Parameters<typeof arrow.makeData>[0]);
    yield { name, bytes: arrow.tableToIPC(new arrow.Table({ column: new arrow.Vector([data]) })) };
  }
}

/** All in turn, so that whatever else the machine does hits each of them. */
function inTurn<Name extends string>(
  contestants: Readonly<Record<Name, readonly [rounds: number, run: () => unknown]>>,
): Record<Name, Summary> {
  const entries = Object.entries(contestants) as [Name, readonly [number, () => unknown]][];
  const series = new Map(entries.map(([name]) => [name, [] as number[]]));
  const most = Math.max(...entries.map(([, [rounds]]) => rounds));
  for (let round = 0; round < most; round++) {
    for (const [name, [rounds, run]] of entries) {
      if (round >= rounds) continue;
      const start = performance.now();
      run();
      series.get(name)?.push(performance.now() - start);
    }
  }
  return Object.fromEntries(entries.map(([name]) => [name, summarize(series.get(name) ?? [])])) as Record<Name, Summary>;
} // prettier-ignore

function touch(bytes: Uint8Array): number {
  const opened = arrow.tableFromIPC(bytes);
  let count = 0;
  for (let i = 0; i < opened.numCols; i++)
    for (const value of opened.getChildAt(i) ?? []) if (value !== null) count++;
  return count;
}

function addUp(bytes: Uint8Array): number {
  const words = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >> 2);
  let sum = 0;
  // eslint-disable-next-line @typescript-eslint/prefer-for-of -- that takes ten times as long
  for (let i = 0; i < words.length; i++) sum = (sum + (words[i] ?? 0)) | 0;
  return sum;
}

/** In milliseconds. */
export interface Validation {
  readonly name: string;
  readonly bytes: number;
  readonly validate: Summary;
  readonly read: Summary;
  readonly copy: Summary;
  readonly hash: Summary;
  readonly open: Summary;
  readonly touch: Summary;
}

/** @param size of each table, about */
export function measureValidation(rounds: number, size: number): Validation[] {
  const touches = Math.max(1, Math.floor(rounds / 5));
  return Array.from(cases(size), ({ name, bytes }) => {
    const target = new Uint8Array(bytes.length).fill(1);
    const summaries = inTurn({
      validate: [rounds, () => validateArrow(bytes)],
      read: [rounds, () => addUp(bytes)],
      copy: [
        rounds,
        () => {
          target.set(bytes);
        },
      ],
      hash: [touches, () => createHash('sha256').update(bytes).digest('hex')],
      open: [rounds, () => arrow.tableFromIPC(bytes)],
      touch: [touches, () => touch(bytes)],
    });
    return { name, bytes: bytes.length, ...summaries };
  });
}

export function reportValidation(validations: readonly Validation[]): string {
  const rows = validations.map(
    ({ name, bytes, validate, read, copy, hash: hashed, open, touch: touched }) => {
      const gbps = (ms: number): string => (bytes / 1e6 / ms).toFixed(1);
      return [
        name,
        (bytes / 1e6).toFixed(1),
        validate.count.toString(),
        gbps(validate.p50),
        gbps(read.p50),
        gbps(copy.p50),
        gbps(hashed.p50),
        ...[validate.p50, validate.p99, validate.deviation, open.p50, touched.p50].map((ms) => ms.toFixed(2)),
      ];
    },
  );
  const header = ['table', 'MB', 'count', 'validate, GB/s', 'bytes, GB/s', 'copy, GB/s', 'SHA-256, GB/s', 'validate, ms', 'p99', 'deviation', 'open, ms', 'touch, ms']; // prettier-ignore
  return table(header, rows);
}
