// Tables that a child gives batch by batch.
import type { Table } from 'apache-arrow';
import t from 'tap';
import { MAX_BATCHES } from '../../protocol/limits.js';
import { DEFAULT_ARROW_LIMITS } from '../../lib/arrow/validate.js';
import type { SpawnOptions } from '../../lib/index.js';
import { expectStatus, startZygote } from '../helpers/zygote.js';

const zygote = await startZygote(t, { preload: ['apache-arrow'] });

const MB = 2 ** 20;
const HELPERS = `
const { tableFromArrays, tableToIPC, RecordBatchReader, RecordBatch, makeData, vectorFromArray, Utf8, Dictionary, Int8, Field, List, Schema, Struct, Table, Vector } = require('apache-arrow');
const batch = (columns) => tableFromArrays(columns).batches[0];
const numbers = (from, length) => batch({ n: Float64Array.from({ length }, (_, i) => from + i) });
`;

async function result(body: string, options: SpawnOptions & { params?: unknown } = {}) {
  const { params, ...others } = options;
  const child = await zygote.spawn(`${HELPERS} module.exports = async ({ params, tables }) => { ${body} };`, { params }, {
    stdin: 'ignore', stdout: 'ignore', stderr: 'ignore', ...others,
  }); // prettier-ignore
  return child.result;
}

async function tablesOf(body: string, options?: SpawnOptions): Promise<Readonly<Record<string, Table>>> {
  return expectStatus(await result(body, options), 'ok').tables;
}

const valuesOf = (table: Table | undefined): unknown[] =>
  (table?.toArray() ?? []).map((row: { toJSON(): unknown }) => row.toJSON());

t.test('a generator that is returned is a table, with a batch for each that it yields', async (t) => {
  const { table } = await tablesOf(
    `return (function* () { for (let i = 0; i < 1000; i++) yield numbers(i * 10, 10); })();`,
  );
  t.equal(table?.batches.length, 1000);
  t.strictSame(
    table?.getChild('n')?.toArray(),
    Float64Array.from({ length: 10_000 }, (_, i) => i),
  );
});

t.test('each way of giving batches one after the other', async (t) => {
  const ways = {
    'a generator': `return (function* () { yield numbers(0, 2); yield numbers(2, 2); })();`,
    'an asynchronous one': `return (async function* () { yield numbers(0, 2); await new Promise((r) => setTimeout(r, 5)); yield numbers(2, 2); })();`,
    'an iterator': `let i = 0; return { next: () => (i < 2 ? { done: false, value: numbers(2 * i++, 2) } : { done: true }), [Symbol.iterator]() { return this; } };`,
    'the iterator of an array': `return [numbers(0, 2), numbers(2, 2)].values();`,
    promises: `return [Promise.resolve(numbers(0, 2)), Promise.resolve(numbers(2, 2))].values();`,
    tables: `return (function* () { yield new Table([numbers(0, 1), numbers(1, 1)]); yield new Table([numbers(2, 2)]); })();`,
    'a RecordBatchReader': `return RecordBatchReader.from(tableToIPC(new Table([numbers(0, 2), numbers(2, 2)])));`,
    'an asynchronous one of these': `return RecordBatchReader.from((async function* () { yield tableToIPC(new Table([numbers(0, 2), numbers(2, 2)])); })());`,
    'a stream of objects': `return require('node:stream').Readable.from([numbers(0, 2), numbers(2, 2)]);`,
    'a batch': `return numbers(0, 4);`,
    'the same array, filled anew each time': `const data = new Float64Array(2); const again = new Table({ n: vectorFromArray(data) });
      const { values } = again.batches[0].data.children[0];
      return (function* () { values.set([0, 1]); yield again; values.set([2, 3]); yield again; })();`,
  };
  for (const [name, body] of Object.entries(ways)) {
    const { table } = await tablesOf(body);
    t.strictSame(valuesOf(table), [{ n: 0 }, { n: 1 }, { n: 2 }, { n: 3 }], name);
  }
});

t.test('streamed tables and whole ones side by side, and a value', async (t) => {
  const child = await result(`const seen = { rows: 0 };
    const counted = (function* () { for (let i = 0; i < 3; i++) { seen.rows += 5; yield numbers(i * 5, 5); } })();
    return { value: seen, tables: { streamed: counted, whole: new Table([numbers(7, 1)]), other: [numbers(8, 1)].values() } };`);
  const { value, tables } = expectStatus(child, 'ok');
  t.strictSame(value, { rows: 15 }, 'the value is taken when the tables are written');
  t.strictSame(Object.keys(tables), ['streamed', 'whole', 'other']);
  t.equal(tables.streamed?.numRows, 15);
  t.strictSame(valuesOf(tables.whole), [{ n: 7 }]);
  t.strictSame(valuesOf(tables.other), [{ n: 8 }]);
});

t.test('texts, for which apache-arrow makes a dictionary for each batch', async (t) => {
  const { table } = await tablesOf(`return (function* () {
    yield batch({ name: ['a', 'b', 'a'] });
    yield batch({ name: ['c', 'a'] });
    yield batch({ name: [null, 'd'] });
  })();`);
  t.strictSame(table?.getChild('name')?.toJSON(), ['a', 'b', 'a', 'c', 'a', null, 'd']);
});

t.test('dictionaries inside of other types, one for each batch', async (t) => {
  const { table } = await tablesOf(`
    const structOf = (values) => {
      const texts = vectorFromArray(values, new Dictionary(new Utf8(), new Int8())).data[0];
      const inner = makeData({ type: new Struct([new Field('text', texts.type, true)]), length: values.length, nullCount: 0, children: [texts] });
      const list = makeData({ type: new List(new Field('item', inner.type, true)), length: 1, nullCount: 0, valueOffsets: Int32Array.of(0, values.length), child: inner });
      return new Table({ list: new Vector([list]) });
    };
    return [structOf(['a', 'b']), structOf(['c', null])].values();`);
  t.equal(JSON.stringify(valuesOf(table)), '[{"list":[{"text":"a"},{"text":"b"}]},{"list":[{"text":"c"},{"text":null}]}]');
}); // prettier-ignore

t.test('an iterator without an end exceeds the limit on tables, by name, and is told to end', async (t) => {
  const endless = {
    'large batches': `let i = 0; try { for (;;) yield numbers(i++, 10_000); } finally { process.stdout.write('ended'); }`,
    'small ones': `for (;;) yield numbers(0, 1);`,
    'empty ones': `for (;;) yield numbers(0, 0);`,
  };
  for (const [name, loop] of Object.entries(endless)) {
    const outcome = await result(`return (function* () { ${loop} })();`, {
      maxTableBytes: 5 * MB,
      stdout: 'capture',
    });
    t.match(outcome, { status: 'limitExceeded', limit: 'maxTableBytes', max: 5 * MB }, name);
    if (name === 'large batches') t.equal(outcome.stdout?.text, 'ended');
  }
});

t.test('an iterator without an end that gives nothing is stopped by the time limit', async (t) => {
  const waits = `return (async function* () { for (;;) await new Promise((r) => setTimeout(r, 5)); })();`;
  t.match(await result(waits, { timeoutMs: 300 }), { status: 'timedOut' });
  const loops = `return { next: () => { for (;;); }, [Symbol.iterator]() { return this; } };`;
  t.match(await result(loops, { timeoutMs: 300 }), { status: 'timedOut' });
});

t.test('more batches than a table may have are refused where they are written', async (t) => {
  t.equal(MAX_BATCHES, DEFAULT_ARROW_LIMITS.maxBatches, 'as many as the validator allows');
  const outcome = await result(`const one = numbers(0, 1); return (function* () { for (;;) yield one; })();`);
  t.match(outcome, { status: 'badOutput', path: 'tables.table[100000]', reason: /more than 100000 record batches/ });
}); // prettier-ignore

t.test('many batches that hardly hold anything are refused', async (t) => {
  const body = `const one = batch({ a: Int8Array.of(1), b: Int8Array.of(1), c: Int8Array.of(1) });
    return (function* () { for (let i = 0; i < params; i++) yield one; })();`;
  const { table } = expectStatus(await result(body, { params: 1000 }), 'ok').tables;
  t.equal(table?.batches.length, 1000);
  const outcome = await result(body, { params: 20_000 });
  t.match(outcome, { status: 'badOutput', path: 'tables.table', reason: /maxChunks/ });
});

t.test('what an iterator throws is what the child threw, also after batches', async (t) => {
  const bodies = [
    `return (function* () { yield numbers(0, 2); throw new RangeError('midway'); })();`,
    `return { value: 1, tables: { t: (async function* () { yield numbers(0, 2); throw new RangeError('midway'); })() } };`,
    `return [numbers(0, 2), Promise.reject(new RangeError('midway'))].values();`,
    `return { [Symbol.asyncIterator]() { throw new RangeError('midway'); } };`,
  ];
  for (const body of bodies) {
    t.match(await result(body), { status: 'threw', error: { name: 'RangeError', message: 'midway' } });
  }
});

t.test('batches of different schemas in one table are refused, and why is said', async (t) => {
  const differing: Record<string, [second: string, reason: RegExp]> = {
    type: [`batch({ n: Int32Array.of(1) })`, /another schema: a column 'n' of Int32, which is Float64/],
    name: [`batch({ m: Float64Array.of(1) })`, /another schema: a column 'm' where the first batch has 'n'/],
    number: [
      `batch({ n: Float64Array.of(1), m: Float64Array.of(1) })`,
      /another schema: 2 columns, and the first batch has 1/,
    ],
    nested: [
      `new Table({ n: new Vector([makeData({ type: new List(new Field('item', new Int8())), length: 0, valueOffsets: new Int32Array(1), child: makeData({ type: new Int8() }) })]) })`,
      /another schema: a column 'n' of List<Int8>, which is Float64/,
    ],
  };
  for (const [name, [second, reason]] of Object.entries(differing)) {
    const body = `return { value: 1, tables: { sales: [numbers(0, 2), numbers(2, 2), ${second}].values() } };`;
    t.match(await result(body), { status: 'badOutput', path: 'tables.sales[2]', reason }, name);
  }
});

t.test('whether columns may have nulls does not matter, nor which of the batches say so', async (t) => {
  const { table } = await tablesOf(`
    const strict = (values) => { const { data } = vectorFromArray(values, new Int8()); const schema = new Schema([new Field('n', new Int8())]);
      return new RecordBatch(schema, makeData({ type: new Struct(schema.fields), length: values.length, nullCount: 0, children: data })); };
    return [strict([1, 2]), new Table({ n: vectorFromArray([3, null], new Int8()) })].values();`);
  t.strictSame(valuesOf(table), [{ n: 1 }, { n: 2 }, { n: 3 }, { n: null }]);
});

t.test('what is no batch is refused', async (t) => {
  for (const [item, shown] of [
    [`1`, /and not 1$/],
    [`null`, /and not null$/],
    [`{ n: [1] }`, /and not \{ n: \[Array\] \}$/],
    [`'x'.repeat(1e6)`, /and not 'x{50}'\.\.\. 999950 more characters$/],
  ] as const) {
    const outcome = await result(`return [numbers(0, 1), ${item}].values();`);
    t.match(outcome, { status: 'badOutput', path: 'tables.table[1]', reason: shown });
  }
});

t.test('nothing at all is a table without columns, and empty batches are one without rows', async (t) => {
  const { table } = await tablesOf(`return (function* () {})();`);
  t.strictSame([table?.numRows, table?.numCols], [0, 0]);
  const empty = await tablesOf(`return [numbers(0, 0)].values();`);
  t.strictSame([empty.table?.numRows, empty.table?.schema.fields.map(String)], [0, ['n: Float64']]);
  const reader = `return RecordBatchReader.from(tableToIPC(new Table(numbers(0, 1).schema)));`;
  const unread = await tablesOf(reader);
  t.strictSame([unread.table?.numRows, unread.table?.schema.fields.map(String)], [0, ['n: Float64']]);
});

t.test('objects with tables that are no iterators are values', async (t) => {
  const values = [`{ tables: { list: [1, 2] } }`, `{ tables: [] }`, `{ value: 1, tables: { a: 1 } }`, `[]`];
  for (const value of values) {
    const outcome = expectStatus(await result(`return ${value};`), 'ok');
    t.strictSame(Object.keys(outcome.tables), []);
  }
  t.match(await result(`return new Set([1]);`), { status: 'badOutput', path: 'value' });
});

t.test('a table in another place than tables is refused, and the place said', async (t) => {
  const reason = /^a table, which goes into tables: return \{ value, tables/;
  t.match(await result(`return { table: numbers(0, 1) };`), {
    status: 'badOutput',
    path: 'value.table',
    reason,
  });
  t.match(await result(`return { tables: { a: numbers(0, 1), b: [{ n: 1 }] } };`), {
    status: 'badOutput',
    path: 'value.tables.b',
    reason: /^it is no table, as the others of tables are$/,
  });
});

t.test('a child never has more of a streamed table than a batch', async (t) => {
  // As if it were memory of the child, the table would have to fit in here; and what is written to it does count.
  const rows = MB / 8;
  const streamed = await result(
    `return (function* () { for (let i = 0; i < params; i++) yield numbers(i, ${rows}); })();`,
    { params: 400, timeoutMs: 120_000 },
  );
  const { tables, usage } = expectStatus(streamed, 'ok');
  t.equal(tables.table?.numRows, 400 * rows);
  t.equal(tables.table?.getChild('n')?.get(399 * rows + 7), 406);
  t.ok(usage.peakMemoryBytes < 250 * MB, `${usage.peakMemoryBytes} for ${400 * MB}`);
});

t.test('a streamed table goes into the next child without a copy, and comes out the same', async (t) => {
  const { table } = await tablesOf(
    `return (function* () { yield batch({ s: ['a'] }); yield batch({ s: ['b', null] }); })();`,
  );
  const code = `module.exports = ({ tables: { t } }) => ({
    value: /memfd:nodespawner-(\\w+)/.exec(require('node:fs').readFileSync('/proc/self/maps', 'utf8'))[1],
    tables: { again: t.batches.values() },
  });`;
  const { value, tables } = await zygote.run(code, { tables: { t: table! } });
  t.equal(value, 'output');
  t.strictSame(valuesOf(tables.again), [{ s: 'a' }, { s: 'b' }, { s: null }]);
  t.equal(tables.again?.batches.length, 2);
});
