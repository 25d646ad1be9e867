// Dictionary batches: ids, indices, deltas, replacements, nested dictionaries, order.
import t from 'tap';
import * as arrow from 'apache-arrow';
import {
  NONE,
  batchMessage,
  bits,
  dictionaryMessage,
  field,
  file,
  stream,
  type CraftedBatch,
} from '../../helpers/arrow/craft.js';
import { accepts, refuses } from '../../helpers/arrow/expect.js';

type Keys = arrow.Int8 | arrow.Uint8 | arrow.Int16 | arrow.Uint16 | arrow.Int32 | arrow.Uint32;

/** A column `c` of numbers that dictionary 5 holds. */
const encoded = (keys: Keys = new arrow.Int8()): arrow.Field =>
  field('c', new arrow.Dictionary(new arrow.Int16(), keys, 5));

const numbers = (...values: number[]): CraftedBatch => ({
  length: values.length,
  nodes: [[values.length, 0]],
  buffers: [NONE, Int16Array.from(values)],
});

const indices = (values: ArrayBufferView & { length: number }, nulls = ''): Uint8Array =>
  batchMessage({
    length: values.length,
    nodes: [[values.length, nulls.split('0').length - 1]],
    buffers: [nulls === '' ? NONE : bits(nulls), values],
  });

const dictionary = dictionaryMessage(5, numbers(10, 20, 30));
const delta = dictionaryMessage(5, numbers(40), true);

t.test('indices are inside the dictionary', (t) => {
  const table = (...values: number[]): Uint8Array =>
    stream([encoded()], dictionary, indices(Int8Array.from(values)));
  accepts(t, table(0, 1, 2), 'all values');
  refuses(t, table(0, 3), 'dictionary', 'one too large');
  refuses(t, table(0, -1), 'dictionary', 'negative');
  t.end();
});

t.test('indices of every width are signed or not', (t) => {
  const large = dictionaryMessage(5, numbers(...new Array<number>(300).fill(1)));
  const kinds: [Keys, (index: number) => ArrayBufferView & { length: number }, number, number][] = [
    [new arrow.Int8(), (i) => Int8Array.of(i), 127, -1],
    [new arrow.Uint8(), (i) => Uint8Array.of(i), 255, NaN],
    [new arrow.Int16(), (i) => Int16Array.of(i), 299, -1],
    [new arrow.Uint16(), (i) => Uint16Array.of(i), 299, 300],
    [new arrow.Int32(), (i) => Int32Array.of(i), 299, -(2 ** 31)],
    [new arrow.Uint32(), (i) => Uint32Array.of(i), 299, 2 ** 32 - 1],
  ];
  for (const [keys, make, good, bad] of kinds) {
    const table = (index: number): Uint8Array => stream([encoded(keys)], large, indices(make(index)));
    accepts(t, table(good), `${String(keys)} ${good}`);
    if (!Number.isNaN(bad)) refuses(t, table(bad), 'dictionary', `${String(keys)} ${bad}`);
  }
  t.end();
});

t.test('null slots may hold any index', (t) => {
  accepts(t, stream([encoded()], dictionary, indices(Int8Array.of(0, 99, -7, 2), '1001')), 'nulls');
  refuses(
    t,
    stream([encoded()], dictionary, indices(Int8Array.of(0, 99, -7, 2), '1101')),
    'dictionary',
    'a value',
  );
  t.end();
});

t.test('dictionaries come before the batches that need them', (t) => {
  const batch = indices(Int8Array.of(0));
  refuses(t, stream([encoded()], batch, dictionary), 'dictionary', 'after');
  refuses(t, stream([encoded()], batch), 'dictionary', 'never');
  accepts(t, stream([encoded()], indices(Int8Array.of(7, 7), '00'), dictionary, batch), 'only nulls before');
  accepts(t, stream([encoded()], indices(new Int8Array(0))), 'no rows');
  t.end();
});

t.test('dictionary batches belong to a column', (t) => {
  refuses(t, stream([encoded()], dictionaryMessage(6, numbers(1))), 'dictionary', 'unknown id');
  refuses(t, stream([field('c', new arrow.Int8())], dictionary), 'dictionary', 'no dictionary at all');
  t.end();
});

t.test('deltas add to a dictionary', (t) => {
  const both = indices(Int8Array.of(0, 3));
  accepts(t, stream([encoded()], dictionary, delta, both), 'before the batch');
  accepts(t, stream([encoded()], dictionary, indices(Int8Array.of(2)), delta, both), 'between batches');
  refuses(t, stream([encoded()], dictionary, both, delta), 'dictionary', 'after the batch that needs it');
  refuses(t, stream([encoded()], delta, indices(Int8Array.of(0))), 'dictionary', 'to nothing');
  refuses(
    t,
    stream([encoded()], dictionary, delta, indices(Int8Array.of(4))),
    'dictionary',
    'index beyond both',
  );
  t.end();
});

t.test('a new dictionary takes the place of the old one in a stream, but not in a file', (t) => {
  const small = dictionaryMessage(5, numbers(1));
  const first = indices(Int8Array.of(2));
  accepts(t, stream([encoded()], dictionary, first, small, indices(Int8Array.of(0))), 'in a stream');
  refuses(t, stream([encoded()], dictionary, first, small, first), 'dictionary', 'index of the old one');
  refuses(t, file([encoded()], dictionary, first, small), 'dictionary', 'in a file');
  accepts(t, file([encoded()], dictionary, first, delta), 'delta in a file');
  t.end();
});

t.test('in a file, dictionaries may come after the batches that need them', (t) => {
  accepts(t, file([encoded()], indices(Int8Array.of(0, 2)), dictionary), 'dictionary');
  accepts(t, file([encoded()], dictionary, indices(Int8Array.of(3)), delta), 'delta');
  refuses(
    t,
    file([encoded()], dictionary, indices(Int8Array.of(4)), delta),
    'dictionary',
    'index beyond both',
  );
  refuses(t, file([encoded()], indices(Int8Array.of(0))), 'dictionary', 'no dictionary');
  t.end();
});

t.test('one dictionary for two columns has one type', (t) => {
  const two = (type: arrow.DataType): Uint8Array =>
    stream([encoded(), field('d', new arrow.Dictionary(type, new arrow.Uint16(), 5))]);
  accepts(t, two(new arrow.Int16()), 'the same');
  refuses(t, two(new arrow.Utf8()), 'schema', 'another');
  t.end();
});

const inner = new arrow.Dictionary(new arrow.Int16(), new arrow.Int8(), 1);
const outer = new arrow.Dictionary(new arrow.List(field('item', inner)), new arrow.Int8(), 2);
const innerMessage = dictionaryMessage(1, numbers(10, 20));
/** Two lists, of the first and of both values of the inner dictionary. */
const outerMessage = dictionaryMessage(2, {
  length: 2,
  nodes: [[2, 0], [3, 0]],
  buffers: [NONE, Int32Array.of(0, 1, 3), NONE, Int8Array.of(0, 0, 1)],
}); // prettier-ignore
const rows = indices(Int8Array.of(1, 0));
const nested = (...messages: Uint8Array[]): Uint8Array => stream([field('c', outer)], ...messages);

t.test('dictionaries in dictionaries come first', (t) => {
  accepts(t, nested(innerMessage, outerMessage, rows), 'inner before outer');
  refuses(t, nested(outerMessage, innerMessage, rows), 'dictionary', 'outer before inner');
  const small = dictionaryMessage(1, numbers(10));
  refuses(t, nested(small, outerMessage, rows), 'dictionary', 'index beyond the inner one');
  t.end();
});

t.test('refuses what apache-arrow reads with a dictionary that is out of date', (t) => {
  const other = dictionaryMessage(1, numbers(30, 40));
  refuses(t, nested(innerMessage, outerMessage, other, rows), 'unsupported', 'inner one replaced');
  refuses(
    t,
    nested(innerMessage, outerMessage, dictionaryMessage(1, numbers(30), true), rows),
    'unsupported',
    'delta',
  );
  accepts(t, nested(innerMessage, outerMessage, rows, other, outerMessage, rows), 'both replaced');
  t.end();
});

t.test('refuses a dictionary that is inside itself', (t) => {
  const self = new arrow.Dictionary(new arrow.List(field('item', inner)), new arrow.Int8(), 1);
  refuses(t, stream([field('c', self)]), 'schema', 'one id');
  t.end();
});
