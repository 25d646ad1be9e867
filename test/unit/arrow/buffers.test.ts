// Field nodes and buffers of a batch: counts, places, lengths, null counts.
import t from 'tap';
import * as arrow from 'apache-arrow';
import { CompressionType } from 'apache-arrow/fb/compression-type';
import {
  NONE,
  batchMessage,
  bits,
  column,
  field,
  stream,
  type CraftedBatch,
} from '../../helpers/arrow/craft.js';
import { accepts, refuses } from '../../helpers/arrow/expect.js';

const int32 = new arrow.Int32();
const three: CraftedBatch = { length: 3, nodes: [[3, 0]], buffers: [NONE, Int32Array.of(1, 2, 3)] };
const ints = (changes: Partial<CraftedBatch>): Uint8Array => column(int32, { ...three, ...changes });

t.test('the batch that the tests below change is fine', (t) => {
  accepts(t, ints({}), 'three numbers');
  t.end();
});

t.test('refuses too few and too many nodes, buffers and variadic counts', (t) => {
  refuses(t, ints({ nodes: [] }), 'batch', 'no node');
  refuses(t, ints({ nodes: [[3, 0], [3, 0]] }), 'batch', 'two nodes'); // prettier-ignore
  refuses(t, ints({ buffers: [] }), 'batch', 'no buffer');
  refuses(t, ints({ buffers: [NONE] }), 'batch', 'one buffer');
  refuses(t, ints({ buffers: [NONE, Int32Array.of(1, 2, 3), NONE] }), 'batch', 'three buffers');
  refuses(t, ints({ variadicCounts: [0] }), 'batch', 'a variadic count for no views');
  t.end();
});

t.test('refuses lengths that are negative, huge or not that of the batch', (t) => {
  refuses(t, ints({ nodes: [[-1, 0]] }), 'batch', 'negative length');
  refuses(t, ints({ length: -3 }), 'batch', 'batch of negative length');
  refuses(t, ints({ nodes: [[2n ** 31n, 0]] }), 'unsupported', '2^31 rows');
  refuses(t, ints({ nodes: [[2n ** 53n, 0]] }), 'flatbuffer', '2^53 rows');
  refuses(t, ints({ nodes: [[2, 0]] }), 'batch', 'fewer rows than the batch');
  refuses(t, ints({ length: 2 }), 'batch', 'more rows than the batch');
  t.end();
});

t.test('refuses buffers outside the body, misaligned or overlapping', (t) => {
  const values = Int32Array.of(1, 2, 3);
  const at = (offset: number, length: number): Uint8Array =>
    ints({ buffers: [NONE, { offset, length }, values].slice(0, 2) });
  refuses(t, at(0, 12), 'buffer', 'no body at all');
  const among = (offset: number, length: number): Uint8Array =>
    stream([field('a', int32), field('b', int32)], batchMessage({
      length: 3,
      nodes: [[3, 0], [3, 0]],
      buffers: [NONE, values, NONE, { offset, length }],
    })); // prettier-ignore
  refuses(t, among(16, 12), 'buffer', 'behind the body');
  refuses(t, among(8, 12), 'buffer', 'partly behind the body');
  refuses(t, among(-8, 12), 'buffer', 'before the body');
  refuses(t, among(0, -1), 'buffer', 'of negative length');
  refuses(t, among(2, 12), 'buffer', 'misaligned');
  refuses(t, among(0, 12), 'buffer', 'the same as another');
  t.end();
});

t.test('refuses buffers that are too short for the length claimed', (t) => {
  const types: [string, arrow.DataType, number][] = [
    ['int8', new arrow.Int8(), 1],
    ['int64', new arrow.Int64(), 8],
    ['float16', new arrow.Float16(), 2],
    ['decimal', new arrow.Decimal(0, 5, 128), 16],
    ['interval', new arrow.IntervalMonthDayNano(), 16],
    ['binary of size 3', new arrow.FixedSizeBinary(3), 3],
  ];
  for (const [name, type, width] of types) {
    const values = (length: number): Uint8Array =>
      column(type, { length: 10, nodes: [[10, 0]], buffers: [NONE, new Uint8Array(length)] });
    accepts(t, values(10 * width), `${name}: enough`);
    refuses(t, values(10 * width - 1), 'buffer', `${name}: a byte short`);
  }
  const bools = (length: number): Uint8Array =>
    column(new arrow.Bool(), { length: 10, nodes: [[10, 0]], buffers: [NONE, new Uint8Array(length)] });
  accepts(t, bools(2), 'bool: enough');
  refuses(t, bools(1), 'buffer', 'bool: a byte short');
  t.end();
});

t.test('refuses a null count other than that of the bitmap', (t) => {
  const nulls = (bitmap: Uint8Array, nullCount: number): Uint8Array =>
    ints({ nodes: [[3, nullCount]], buffers: [bitmap, Int32Array.of(1, 2, 3)] });
  accepts(t, nulls(bits('101'), 1), 'one null');
  accepts(t, nulls(bits('10111111'), 1), 'set bits behind the end');
  accepts(t, nulls(bits('111'), 0), 'bitmap without a null');
  refuses(t, nulls(bits('101'), 0), 'null-count', 'claims none');
  refuses(t, nulls(bits('101'), 2), 'null-count', 'claims two');
  refuses(t, nulls(bits('111'), 1), 'null-count', 'claims one of none');
  refuses(t, nulls(bits('000'), 4), 'null-count', 'claims more than there are rows');
  refuses(t, nulls(bits('101'), -1), 'null-count', 'claims -1');
  refuses(t, nulls(NONE, 1), 'buffer', 'no bitmap');
  t.end();
});

t.test('counts the nulls of bitmaps of any length', (t) => {
  for (const length of [1, 7, 8, 9, 31, 32, 33, 63, 64, 65, 100, 1000]) {
    const text = Array.from({ length }, (_, i) => ((i * 7) % 3 === 0 ? '0' : '1')).join('');
    const nullCount = text.split('0').length - 1;
    const column_ = (count: number): Uint8Array =>
      column(new arrow.Int8(), {
        length,
        nodes: [[length, count]],
        buffers: [bits(text), new Int8Array(length)],
      });
    accepts(t, column_(nullCount), `${length} rows`);
    if (nullCount > 1) refuses(t, column_(nullCount - 1), 'null-count', `${length} rows, one fewer`);
  }
  const tooShort = {
    length: 65,
    nodes: [[65, 1] as const],
    buffers: [bits('0'.padEnd(64, '1')), new Int8Array(65)],
  };
  refuses(t, column(new arrow.Int8(), tooShort), 'buffer', 'bitmap a byte short');
  t.end();
});

t.test('refuses compressed batches, for which apache-arrow has no codec', (t) => {
  for (const compression of [CompressionType.LZ4_FRAME, CompressionType.ZSTD])
    refuses(t, ints({ compression }), 'unsupported', `codec ${compression}`);
  t.end();
});
