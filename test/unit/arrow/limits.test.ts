// Limits, and tables that cost more to read than their bytes.
import t, { type Test } from 'tap';
import * as arrow from 'apache-arrow';
import {
  NONE,
  batchMessage,
  column,
  dictionaryMessage,
  field,
  stream,
  type CraftedBatch,
} from '../../helpers/arrow/craft.js';
import { refusal, refuses } from '../../helpers/arrow/expect.js';

const int8 = new arrow.Int8();
const rows = (count: number): Uint8Array =>
  batchMessage({ length: count, nodes: [[count, 0]], buffers: [NONE, new Int8Array(count)] });

/** Checks that a table is refused for its cost, and is fine if that cost is allowed. */
function costs(t: Test, bytes: Uint8Array, name: string, atLeast: number): void {
  refuses(t, bytes, 'limit', name, { maxChunks: 100_000, maxVirtualValues: atLeast - 8 * bytes.length - 1 });
  t.equal(
    refusal(bytes, { maxChunks: 100_000, maxVirtualValues: 4 * atLeast })?.message,
    undefined,
    `${name}, allowed`,
  );
}

t.test('counts rows, batches and dictionaries', (t) => {
  const table = stream([field('c', int8)], rows(3), rows(4));
  t.equal(refusal(table, { maxRows: 7, maxBatches: 2, maxDictionaries: 0 }), undefined);
  refuses(t, table, 'limit', 'rows', { maxRows: 6 });
  refuses(t, table, 'limit', 'batches', { maxBatches: 1 });
  const values = { length: 1, nodes: [[1, 0] as const], buffers: [NONE, Int8Array.of(1)] };
  const encoded = stream([field('c', new arrow.Dictionary(int8, int8, 1))], dictionaryMessage(1, values));
  t.equal(refusal(encoded, { maxDictionaries: 1 }), undefined);
  refuses(t, encoded, 'limit', 'dictionaries', { maxDictionaries: 0 });
  t.end();
});

t.test('counts batches and the columns in them, against the bytes that there are', (t) => {
  const pair = field('p', new arrow.Struct([field('a', int8), field('b', int8)]));
  const empty = batchMessage({
    length: 0,
    nodes: [[0, 0], [0, 0], [0, 0], [0, 0]],
    buffers: Array.from({ length: 7 }, () => NONE),
  }); // prettier-ignore
  const batches = (count: number): Uint8Array =>
    stream([pair, field('c', int8)], ...Array.from({ length: count }, () => empty));
  const five = batches(5);
  const paid = Math.floor(five.length / 1024);
  t.equal(refusal(five, { maxChunks: 25 - paid }), undefined, 'five batches of four columns');
  refuses(t, five, 'limit', 'one less', { maxChunks: 25 - paid - 1 });
  const large = { length: 8192, nodes: [[8192, 0] as const], buffers: [NONE, new Int8Array(8192)] };
  const worth = stream([field('c', int8)], ...Array.from({ length: 100 }, () => batchMessage(large)));
  t.equal(refusal(worth, { maxChunks: 0 }), undefined, 'batches that are worth it');
  refuses(t, batches(10_000), 'limit', 'the default');

  const one = { length: 1, nodes: [[1, 0] as const], buffers: [NONE, new Int8Array(1)] };
  const encoded = field('c', new arrow.Dictionary(int8, int8, 1));
  const deltas = Array.from({ length: 2 }, () => dictionaryMessage(1, one, true));
  const grown = stream([encoded], dictionaryMessage(1, one), ...deltas);
  t.equal(refusal(grown, { maxChunks: 6 - Math.floor(grown.length / 1024) }), undefined);
  refuses(t, grown, 'limit', 'dictionaries', { maxChunks: 5 - Math.floor(grown.length / 1024) });
  t.end();
});

t.test('counts custom metadata, and text in metadata, of all messages together', (t) => {
  const pairs = (count: number, text = ''): Map<string, string> =>
    new Map(Array.from({ length: count }, (_, i) => [`${i}`, text]));
  const write = (text: string, format: 'file' | 'stream'): Uint8Array => {
    const schema = new arrow.Schema([new arrow.Field('c', int8, true, pairs(1))], pairs(2));
    const { data } = new arrow.Table({ c: arrow.vectorFromArray([1], int8) }).batches[0]!;
    const batches = Array.from({ length: 10 }, () => new arrow.RecordBatch(schema, data, pairs(3, text)));
    return arrow.tableToIPC(new arrow.Table(schema, batches), format);
  };
  for (const format of ['file', 'stream'] as const) {
    const short = write('', format);
    t.equal(refusal(short, { maxMetadataEntries: 33 }), undefined, format);
    refuses(t, short, 'limit', `${format}, one pair less`, { maxMetadataEntries: 32 });
    const long = write('x'.repeat(500), format);
    t.equal(refusal(long, { maxMetadataBytes: 8_000 }), undefined, `${format}, 15,000 bytes of text`);
    refuses(t, long, 'limit', `${format}, with text for 14,000`, { maxMetadataBytes: 7_000 });
  }
  t.end();
});

t.test('the names of columns, nested ones too, and the keys of metadata are limited together', (t) => {
  const name = (letter: string): string => letter.repeat(1000);
  const keys = new Map([[name('m'), 'x'.repeat(5000)]]);
  const inner = new arrow.Field(name('i'), int8, true, keys);
  const schema = new arrow.Schema([field(name('o'), new arrow.Struct([inner]))], keys);
  const table = new arrow.Table(schema);
  for (const format of ['file', 'stream'] as const) {
    const bytes = arrow.tableToIPC(table, format);
    t.equal(refusal(bytes, { maxNameBytes: 4000 }), undefined, format);
    refuses(t, bytes, 'limit', `${format}, less`, { maxNameBytes: format === 'file' ? 1999 : 3999 });
  }
  // Each of which apache-arrow would compare with all others.
  const wide = Array.from({ length: 900 }, (_, i) => field(`${'a'.repeat(16_000)}${i}`, int8));
  refuses(t, arrow.tableToIPC(new arrow.Table(new arrow.Schema(wide)), 'stream'), 'limit', 'the default');
  t.end();
});

t.test('rows that take no bytes are limited', (t) => {
  const count = 1_000_000;
  const node = [count, 0] as const;
  const of = (type: arrow.DataType, batch: Omit<CraftedBatch, 'length'>): Uint8Array =>
    column(type, { length: count, ...batch });
  const nulls = field('item', new arrow.Null());
  costs(t, of(new arrow.Null(), { nodes: [node], buffers: [] }), 'null column', count);
  costs(t, stream([], batchMessage({ length: count, nodes: [], buffers: [] })), 'no column', count);
  costs(
    t,
    of(new arrow.FixedSizeBinary(0), { nodes: [node], buffers: [NONE, NONE] }),
    'binary of size 0',
    count,
  );
  costs(t, of(new arrow.Struct([]), { nodes: [node], buffers: [NONE] }), 'struct without columns', count);
  costs(t, of(new arrow.Struct([nulls]), { nodes: [node, node], buffers: [NONE] }), 'struct of nulls', count);
  const none = { nodes: [node, [0, 0] as const], buffers: [NONE, NONE, NONE] };
  costs(t, of(new arrow.FixedSizeList(0, field('item', int8)), none), 'lists of size 0', count);
  const many = { nodes: [node, [10 * count, 0] as const], buffers: [NONE] };
  costs(t, of(new arrow.FixedSizeList(10, nulls), many), 'lists of nulls', 10 * count);
  const list = column(new arrow.List(nulls), {
    length: 1,
    nodes: [[1, 0], [count, 0]],
    buffers: [NONE, Int32Array.of(0, count)],
  }); // prettier-ignore
  costs(t, list, 'list of nulls', count);
  t.end();
});

t.test('the default allows as many rows without bytes as are read in no time, and not more', (t) => {
  const nulls = (count: number): Uint8Array =>
    column(new arrow.Null(), { length: count, nodes: [[count, 0]], buffers: [] });
  t.equal(refusal(nulls(10_000_000)), undefined);
  refuses(t, nulls(100_000_000), 'limit', '100 million');
  refuses(t, nulls(2 ** 31 - 1), 'limit', '2^31 - 1');
  t.end();
});

t.test('values that several rows share are limited, unless apache-arrow keeps them', (t) => {
  const length = 10_000;
  const lists: CraftedBatch = {
    length: 1,
    nodes: [[1, 0], [length, 0]],
    buffers: [NONE, Int32Array.of(0, length), NONE, new Int8Array(length)],
  }; // prettier-ignore
  const indices = batchMessage({ length, nodes: [[length, 0]], buffers: [NONE, new Int8Array(length)] });
  const type = new arrow.Dictionary(new arrow.List(field('item', int8)), int8, 1);
  costs(t, stream([field('c', type)], dictionaryMessage(1, lists), indices), 'long list', length * length);

  const text: CraftedBatch = {
    length: 1,
    nodes: [[1, 0]],
    buffers: [NONE, Int32Array.of(0, length), new Uint8Array(length).fill(0x61)],
  };
  const texts = new arrow.Dictionary(new arrow.Utf8(), int8, 1);
  const shared = stream([field('c', texts)], dictionaryMessage(1, text), indices);
  t.equal(refusal(shared, { maxVirtualValues: 0 }), undefined, 'text in a dictionary');

  const views = new Int32Array(4 * length);
  for (let i = 0; i < length; i++) views.set([length, 0x61616161, 0, 0], 4 * i);
  const view = column(new arrow.Utf8View(), {
    length,
    nodes: [[length, 0]],
    buffers: [NONE, views, new Uint8Array(length).fill(0x61)],
    variadicCounts: [1],
  });
  costs(t, view, 'views of one text', (length * (length - 1)) / 16);

  const union = column(new arrow.DenseUnion([0], [field('a', new arrow.List(field('item', int8)))]), {
    length,
    nodes: [[length, 0], ...lists.nodes],
    buffers: [new Int8Array(length), new Int32Array(length), ...lists.buffers],
  });
  costs(t, union, 'slots of a union with one list', (length - 1) * length);
  t.end();
});

t.test(
  'the cache that apache-arrow has for a dictionary is limited, unless its values take as many bytes',
  (t) => {
    const count = 1_000_000;
    const loaded = (type: arrow.DataType, values: CraftedBatch, isDelta = false): Uint8Array => {
      const empty = {
        ...values,
        length: 0,
        nodes: [[0, 0] as const],
        buffers: values.buffers.map(() => NONE),
      };
      const first = isDelta ? [dictionaryMessage(1, empty)] : [];
      const encoded = field('c', new arrow.Dictionary(type, int8, 1));
      return stream([encoded], ...first, dictionaryMessage(1, values, isDelta));
    };
    const nulls: CraftedBatch = { length: count, nodes: [[count, count]], buffers: [] };
    const bools: CraftedBatch = {
      length: count,
      nodes: [[count, 0]],
      buffers: [NONE, new Uint8Array(count / 8)],
    };
    const texts: CraftedBatch = {
      length: count,
      nodes: [[count, 0]],
      buffers: [NONE, new Int32Array(count + 1), NONE],
    };
    costs(t, loaded(new arrow.Null(), nulls), 'nulls', 32 * count);
    costs(t, loaded(new arrow.Null(), nulls, true), 'nulls that come as a delta', 32 * count);
    costs(t, loaded(new arrow.Bool(), bools), 'booleans', 32 * count);
    refuses(t, loaded(new arrow.Bool(), bools), 'limit', 'booleans, by default');
    t.equal(refusal(loaded(new arrow.Utf8(), texts), { maxVirtualValues: 0 }), undefined, 'texts');
    t.end();
  },
);

t.test('text that has to be checked for each view that shares it is limited', (t) => {
  const data = new Uint8Array(16_001).fill(0x61);
  const shared = (last: number): Uint8Array => {
    data[16_000] = last;
    const views = Int32Array.from({ length: 4 * 1000 }, (_, i) => [16_000, 0x61616161, 0, 0][i % 4]!);
    return column(new arrow.Utf8View(), { length: 1000, nodes: [[1000, 0]], buffers: [NONE, views, data], variadicCounts: [1] });
  };
  const bytes = 1000 * 16_000 - 16_001;
  costs(t, shared(0x61), 'not if the whole buffer is text', Math.floor(bytes / 16));
  costs(t, shared(0xff), 'if there is something else', bytes);
  t.end();
}); // prettier-ignore

t.test('what apache-arrow does again for each row, batch or delta is limited', (t) => {
  const count = 4000;
  const keys = new arrow.Dictionary(int8, new arrow.Int16(), 1);
  const pair = new arrow.Struct<{ key: arrow.Int8; value: arrow.Int8 }>([
    field('key', keys as unknown as arrow.Int8),
    field('value', int8),
  ]);
  const values = { length: count, nodes: [[count, 0] as const], buffers: [NONE, new Int8Array(count)] };
  const maps = stream(
    [field('c', new arrow.Map_(field('entries', pair)))],
    dictionaryMessage(1, values),
    batchMessage({
      length: count,
      nodes: [[count, 0], [0, 0], [0, 0], [0, 0]],
      buffers: [NONE, new Int32Array(count + 1), NONE, NONE, NONE, NONE, NONE],
    }),
  ); // prettier-ignore
  costs(t, maps, 'maps with a dictionary of keys', (count * count) / 8);

  const one = { length: 1, nodes: [[1, 0] as const], buffers: [NONE, new Int8Array(1)] };
  const large = { length: 10_000_000, nodes: [[10_000_000, 10_000_000] as const], buffers: [] };
  const nulls = field('c', new arrow.Dictionary(new arrow.Null(), int8, 1));
  const few = { length: 1, nodes: [[1, 1] as const], buffers: [] };
  const deltas = Array.from({ length: 100 }, () => dictionaryMessage(1, few, true));
  costs(
    t,
    stream([nulls], dictionaryMessage(1, large), ...deltas),
    'deltas to a large dictionary',
    1_320_000_000,
  );

  const encoded = field('c', new arrow.Dictionary(int8, int8, 1));
  const more = Array.from({ length: 1000 }, () => dictionaryMessage(1, one, true));
  costs(t, stream([encoded], dictionaryMessage(1, one), ...more), 'many deltas', 25_000_000);

  const wide = Array.from({ length: 3000 }, (_, i) => field(`${i}`, int8));
  const empty = batchMessage({
    length: 0,
    nodes: wide.map(() => [0, 0] as const),
    buffers: wide.flatMap(() => [NONE, NONE]),
  });
  const batches = Array.from({ length: 20 }, () => empty);
  costs(t, stream(wide, ...batches), 'many columns in many batches', 45_000_000);
  t.equal(refusal(stream([field('c', int8)], batchMessage(one)), { maxVirtualValues: 0 }), undefined);
  t.end();
});

t.test('no cost is too large to be compared', (t) => {
  // Lists of 2^31 - 1, forty times over: one value would cost more than there are numbers.
  let type: arrow.DataType = int8;
  for (let i = 0; i < 40; i++) type = new arrow.FixedSizeList(2 ** 31 - 1, field('item', type));
  const nodes = Array.from({ length: 41 }, () => [0, 0] as const);
  const empty = { length: 0, nodes, buffers: Array.from({ length: 42 }, () => NONE) };
  const table = (rows: Uint8Array): Uint8Array =>
    stream([field('c', new arrow.Dictionary(type, int8, 1))], dictionaryMessage(1, empty), rows);
  t.equal(refusal(table(rows(0)), { maxVirtualValues: 0 })?.message, undefined);
  t.end();
});
