// Lists, structs, maps and unions.
import t from 'tap';
import * as arrow from 'apache-arrow';
import { NONE, bits, column, field, type CraftedBatch } from '../../helpers/arrow/craft.js';
import { accepts, refusal, refuses } from '../../helpers/arrow/expect.js';

const int8 = new arrow.Int8();
const item = field('item', int8);

for (const wide of [false, true]) {
  const name = wide ? '64-bit' : '32-bit';
  t.test(`lists with ${name} offsets lead into their values`, (t) => {
    const list = (offsets: number[], values: number): Uint8Array =>
      column(wide ? new arrow.LargeList(item) : new arrow.List(item), {
        length: 2,
        nodes: [[2, 0], [values, 0]],
        buffers: [NONE, wide ? BigInt64Array.from(offsets, BigInt) : Int32Array.from(offsets), NONE, new Int8Array(values)],
      }); // prettier-ignore
    accepts(t, list([0, 2, 5], 5), 'all values');
    accepts(t, list([1, 2, 2], 5), 'some of the values');
    refuses(t, list([0, 2, 6], 5), 'offsets', 'beyond the values');
    refuses(t, list([0, 3, 2], 5), 'offsets', 'backwards');
    refuses(t, list([-1, 0, 2], 5), 'offsets', 'before the values');
    refuses(t, list([0, 2], 5), 'buffer', 'an offset too few');
    t.end();
  });
}

t.test('fixed-size lists have as many values as they say', (t) => {
  const list = (size: number, length: number, values: number): Uint8Array =>
    column(new arrow.FixedSizeList(size, item), {
      length,
      nodes: [[length, 0], [values, 0]],
      buffers: [NONE, NONE, new Int8Array(values)],
    }); // prettier-ignore
  accepts(t, list(3, 2, 6), 'two of three');
  accepts(t, list(0, 2, 0), 'two of none');
  refuses(t, list(3, 2, 5), 'batch', 'a value too few');
  refuses(t, list(3, 2, 7), 'batch', 'a value too many');
  refuses(t, list(0, 2, 1), 'batch', 'a value in lists of none');
  refuses(t, list(2 ** 31 - 1, 2, 5), 'batch', 'huge lists');
  t.end();
});

t.test('the columns of a struct are as long as it is', (t) => {
  const type = new arrow.Struct([field('a', int8), field('b', int8)]);
  const struct = (a: number, b: number): Uint8Array =>
    column(type, {
      length: 2,
      nodes: [[2, 0], [a, 0], [b, 0]],
      buffers: [NONE, NONE, new Int8Array(a), NONE, new Int8Array(b)],
    }); // prettier-ignore
  accepts(t, struct(2, 2), 'two rows');
  refuses(t, struct(2, 1), 'batch', 'a short column');
  refuses(t, struct(3, 2), 'batch', 'a long column');
  t.end();
});

t.test('maps have no null entry and no null key', (t) => {
  const pair = new arrow.Struct<{ key: arrow.Int8; value: arrow.Int8 }>([
    field('key', int8),
    field('value', int8),
  ]);
  const map = (entries: string, keys: string, values: string): Uint8Array => {
    const node = (text: string) => [2, text.split('0').length - 1] as const;
    return column(new arrow.Map_(field('entries', pair)), {
      length: 1,
      nodes: [[1, 0], node(entries), node(keys), node(values)],
      buffers: [NONE, Int32Array.of(0, 2), bits(entries), bits(keys), Int8Array.of(1, 2), bits(values), Int8Array.of(3, 4)],
    }); // prettier-ignore
  };
  accepts(t, map('11', '11', '10'), 'a null value');
  refuses(t, map('10', '11', '11'), 'batch', 'a null entry');
  refuses(t, map('11', '10', '11'), 'batch', 'a null key');
  t.end();
});

const children = [field('a', int8), field('b', int8)];

t.test('sparse unions have known type ids and children of their length', (t) => {
  const union = (ids: number[], a: number, b: number): Uint8Array =>
    column(new arrow.SparseUnion([3, 7], children), {
      length: ids.length,
      nodes: [[ids.length, 0], [a, 0], [b, 0]],
      buffers: [Int8Array.from(ids), NONE, new Int8Array(a), NONE, new Int8Array(b)],
    }); // prettier-ignore
  accepts(t, union([3, 7, 3], 3, 3), 'both');
  refuses(t, union([3, 5, 3], 3, 3), 'union', 'unknown id');
  refuses(t, union([3, 7, -3], 3, 3), 'union', 'negative id');
  refuses(t, union([0, 0, 0], 3, 3), 'union', 'the number of a child instead of its id');
  refuses(t, union([3, 7, 3], 2, 3), 'batch', 'a short child');
  t.end();
});

t.test('dense unions have offsets that go forward in their child', (t) => {
  const union = (ids: number[], offsets: number[], changes: Partial<CraftedBatch> = {}): Uint8Array =>
    column(new arrow.DenseUnion([3, 7], children), {
      length: ids.length,
      nodes: [[ids.length, 0], [3, 0], [2, 0]],
      buffers: [Int8Array.from(ids), Int32Array.from(offsets), NONE, new Int8Array(3), NONE, new Int8Array(2)],
      ...changes,
    }); // prettier-ignore
  accepts(t, union([3, 7, 3, 7, 3], [0, 0, 1, 1, 2]), 'each value once');
  accepts(t, union([3, 3, 3], [1, 1, 2]), 'a value twice');
  refuses(t, union([3, 7], [3, 0]), 'union', 'beyond the child');
  refuses(t, union([7, 7], [0, 2]), 'union', 'beyond this child, but not beyond the other');
  refuses(t, union([3], [-1]), 'union', 'negative');
  refuses(t, union([3, 3], [1, 0]), 'union', 'backwards');
  refuses(t, union([3, 4], [0, 0]), 'union', 'unknown id');
  refuses(t, union([3, 7, 3], [0, 0]), 'buffer', 'an offset too few');
  t.end();
});

t.test('a message names the column that is wrong, through all types', (t) => {
  const type = new arrow.List(field('item', new arrow.Struct([field('when', new arrow.TimeSecond())])));
  const bytes = column(type, {
    length: 1,
    nodes: [[1, 0], [1, 0], [1, 0]],
    buffers: [NONE, Int32Array.of(0, 1), NONE, NONE, Int32Array.of(-1)],
  }); // prettier-ignore
  refuses(t, bytes, 'value', 'time');
  t.equal(refusal(bytes)?.path, 'batches[0]."c"."item"."when"');
  t.end();
});
