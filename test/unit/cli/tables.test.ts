// What a table holds is in its file, and comes back from it, as far as the format has the type.
import {
  DateDay,
  DateMillisecond,
  Decimal,
  Dictionary,
  Field,
  Int32,
  List,
  makeData,
  Struct,
  Table,
  tableFromIPC,
  TimestampMillisecond,
  TimeMicrosecond,
  Uint64,
  Utf8,
  vectorFromArray,
  makeVector,
} from 'apache-arrow';
import t from 'tap';
import { toJson } from '../../../cli/json.js';
import { rowsOf } from '../../../cli/tables/cells.js';
import { readCsv, writeCsv } from '../../../cli/tables/csv.js';
import { readJson, readNdjson, writeJson, writeNdjson } from '../../../cli/tables/json.js';
import { readParquet, writeParquet } from '../../../cli/tables/parquet.js';

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

async function textOf(chunks: AsyncIterable<string> | Iterable<string>): Promise<string> {
  let text = '';
  for await (const chunk of chunks) text += chunk;
  return text;
}

const typesOf = (table: Table): string[] => table.schema.fields.map(({ name, type }) => `${name}: ${type}`);
const cellsOf = (table: Table): unknown[][] =>
  [...rowsOf(table)].map((row) =>
    row.map((cell) => (typeof cell === 'object' && cell !== null ? toJson(cell) : cell)),
  );

/** Of more digits than a double has, negative, and with zeros behind the point. */
const decimals = makeVector(
  makeData({
    type: new Decimal(2, 38, 128),
    length: 3,
    data: new Uint32Array([...words(12345678901234567890n), ...words(-5n), ...words(1000n)]),
  }),
);

function words(value: bigint): number[] {
  const unsigned = BigInt.asUintN(128, value);
  return [0n, 32n, 64n, 96n].map((shift) => Number((unsigned >> shift) & 0xffff_ffffn));
}

const everything = new Table({
  text: vectorFromArray(['ä "quoted", 漢字 🎉\nline', '', null], new Utf8()),
  dictionary: vectorFromArray(['a', 'b', 'a'], new Dictionary(new Utf8(), new Int32())),
  flag: vectorFromArray([true, null, false]),
  int32: vectorFromArray([-1, null, 2147483647], new Int32()),
  int64: vectorFromArray([9007199254740993n, null, -9223372036854775808n]),
  double: vectorFromArray([0.1, null, 1e300]),
  day: vectorFromArray([new Date('2024-02-29'), null, new Date('1969-12-31')], new DateDay()),
  time: vectorFromArray(
    [new Date('2024-02-29T12:34:56.789Z'), null, new Date(-1)],
    new TimestampMillisecond('UTC'),
  ),
  local: vectorFromArray(
    [new Date('2024-02-29T12:34:56.789Z'), null, new Date(0)],
    new TimestampMillisecond(),
  ),
});

t.test('dates and decimals beyond what text has for them are written as numbers', async (t) => {
  const days = makeData({ type: new DateDay(), length: 1, data: Int32Array.of(2 ** 31 - 1) });
  const ms = makeData({ type: new DateMillisecond(), length: 1, data: BigInt64Array.of(2n ** 63n - 1n) });
  const decimal = (scale: number, value: bigint) =>
    makeData({ type: new Decimal(scale, 10, 128), length: 1, data: new Uint32Array(words(value)) });
  const table = new Table({
    days: makeVector(days),
    ms: makeVector(ms),
    small: makeVector(decimal(2_000_000_000, -12n)),
    large: makeVector(decimal(-2_000_000_000, 12n)),
    zero: makeVector(decimal(2_000_000_000, 0n)),
    most: makeVector(decimal(76, 1n)),
  });
  const shown = [
    '2147483647',
    '9223372036854775807',
    '-12e-2000000000',
    '12e2000000000',
    '0',
    `0.${'0'.repeat(75)}1`,
  ];
  t.strictSame(cellsOf(table), [shown]);
  t.equal(await textOf(writeCsv(table, ',')), `days,ms,small,large,zero,most\n${shown.join(',')}\n`);
  t.end();
});

t.test('JSON has nothing that a terminal obeys, and is the same text to who reads it', async (t) => {
  const text = 'a\u009b31m\u202e\u2066\x7f\x1b\n\tä🎉';
  const json = await textOf(writeJson(new Table({ [text]: vectorFromArray([text], new Utf8()) })));
  t.notMatch(json, /(?!\n)\p{Cc}|\p{Bidi_Control}/u);
  t.strictSame(JSON.parse(json), [{ [text]: text }]);
  t.strictSame(JSON.parse(toJson({ text }, 2)), { text });
  t.end();
});

t.test('CSV: text, numbers of all sizes, days, times and what is missing', async (t) => {
  const back = await readCsv(encode(await textOf(writeCsv(everything, ','))), ',');
  t.same(cellsOf(back), cellsOf(everything));
  t.same(
    typesOf(back),
    typesOf(everything).map((type) => type.replace('Dictionary<Int32, Utf8>', 'Utf8')),
  );
});

t.test('TSV likewise', async (t) => {
  const back = await readCsv(encode(await textOf(writeCsv(everything, '\t'))), '\t');
  t.same(cellsOf(back), cellsOf(everything));
});

t.test('JSON, as an array and by lines', async (t) => {
  for (const back of [
    readJson(encode(await textOf(writeJson(everything)))),
    readNdjson(encode(await textOf(writeNdjson(everything)))),
    readJson(encode(await textOf(writeNdjson(everything)))),
  ]) {
    t.same(cellsOf(back), cellsOf(everything));
    t.same(
      typesOf(back),
      typesOf(everything).map((type) => type.replace('Dictionary<Int32, Utf8>', 'Utf8')),
    );
  }
});

t.test('Parquet has all types, and decimals, and what is nested', async (t) => {
  const pair = new Struct([new Field('x', new Int32(), true), new Field('y', new Utf8(), true)]);
  const table = everything.assign(
    new Table({
      decimals,
      list: vectorFromArray([[1, 2], null, []], new List(new Field('item', new Int32(), true))),
      pair: vectorFromArray([{ x: 1, y: 'a' }, null, { x: null, y: '' }], pair),
      uint64: vectorFromArray([18446744073709551615n, null, 0n], new Uint64()),
    }),
  );
  const back = tableFromIPC(await readParquet(await writeParquet(table)));
  t.same(typesOf(back), typesOf(table));
  t.same(cellsOf(back), cellsOf(table));
});

t.test('decimals have all their digits in text formats', async (t) => {
  const table = new Table({ decimals });
  const digits = ['123456789012345678.90', '-0.05', '10.00'];
  t.same((await textOf(writeCsv(table, ','))).trim().split('\n'), ['decimals', ...digits]);
  t.same(
    (await textOf(writeNdjson(table))).trim().split('\n'),
    digits.map((number) => `{"decimals":${number}}`),
  );
});

t.test('timestamps keep the digits that they have, up to nanoseconds', async (t) => {
  const text = 'when\n2024-01-01T00:00:00.123456789Z\n1969-12-31T23:59:59.999999999Z\n';
  const table = await readCsv(encode(text), ',');
  t.same(typesOf(table), ['when: Timestamp<NANOSECOND, UTC>']);
  t.equal(await textOf(writeCsv(table, ',')), text);
});

t.test('times of the day', async (t) => {
  const table = new Table({ at: vectorFromArray([86399999999n, 0n], new TimeMicrosecond()) });
  t.equal(await textOf(writeCsv(table, ',')), 'at\n23:59:59.999999\n00:00:00.000000\n');
});

t.test('a slice of a table, and one of several batches, are written as what they are', async (t) => {
  t.same(cellsOf(everything.slice(1, 3)), cellsOf(everything).slice(1, 3));
  const twice = everything.concat(everything);
  t.same(cellsOf(twice), [...cellsOf(everything), ...cellsOf(everything)]);
  t.equal((await textOf(writeJson(twice))).split('\n').length, 9);
});

t.test('JSON: lists and objects become columns of lists and of objects', async (t) => {
  const text = '[{"a":[1,2],"b":{"c":"x"}},{"a":[],"b":null},{"b":{"c":null,"d":true}}]';
  const table = readJson(encode(text));
  t.same(typesOf(table), ['a: List<Int32>', 'b: Struct<{c:Utf8, d:Bool}>']);
  t.same(JSON.parse(await textOf(writeJson(table))), [
    { a: [1, 2], b: { c: 'x', d: null } },
    { a: [], b: null },
    { a: null, b: { c: null, d: true } },
  ]);
});

t.test('CSV: what looks like a number and is none stays text', async (t) => {
  const table = await readCsv(encode('zip,phone,huge\n01234,+4912345,123456789012345678901234567890\n'), ',');
  t.same(typesOf(table), ['zip: Utf8', 'phone: Utf8', 'huge: Utf8']);
  t.same(cellsOf(table), [['01234', '+4912345', '123456789012345678901234567890']]);
});

t.test('days that there are not stay text, alone and in timestamps', async (t) => {
  for (const text of [
    '2024-02-30',
    '2023-02-29',
    '2024-04-31',
    '2024-02-30T10:00:00',
    '2023-02-29T10:00:00Z',
  ]) {
    const tables = [
      await readCsv(encode(`d\n2024-01-01${text.slice(10)}\n${text}\n`), ','),
      readNdjson(encode(`{"d":"${text}"}`)),
    ];
    for (const table of tables) {
      t.same(typesOf(table), ['d: Utf8'], text);
      t.equal(cellsOf(table).at(-1)?.[0], text);
    }
  }
  t.same(typesOf(await readCsv(encode('d\n2024-02-29\n2000-12-31\n'), ',')), ['d: Date32<DAY>']);
});

t.test('numbers that are too large stay text', async (t) => {
  t.same(cellsOf(await readCsv(encode('x\n1e3\n-1E400\n'), ',')), [['1e3'], ['-1E400']]);
  t.same(cellsOf(await readCsv(encode('x\n1\nInfinity\n'), ',')), [[1], [Infinity]]);
  const huge = readJson(encode('[{"a":12345678901234567890,"b":1},{"a":null,"b":9223372036854775808}]'));
  t.same(typesOf(huge), ['a: Utf8', 'b: Utf8']);
  t.same(cellsOf(huge), [
    ['12345678901234567890', '1'],
    [null, '9223372036854775808'],
  ]);
});

t.test('CSV: a byte order mark, Windows line ends and blank lines at the end are no data', async (t) => {
  const table = await readCsv(encode('\ufeffa,b\r\n1,2\r\n\r\n'), ',');
  t.same(typesOf(table), ['a: Int32', 'b: Int32']);
  t.same(cellsOf(table), [[1, 2]]);
});

t.test('tables without rows keep the names of their columns', async (t) => {
  const table = await readCsv(encode('a,b\n'), ',');
  t.equal(table.numRows, 0);
  t.equal(await textOf(writeCsv(table, ',')), 'a,b\n');
  t.equal(await textOf(writeJson(table)), '[]\n');
  t.equal(tableFromIPC(await readParquet(await writeParquet(table))).numCols, 2);
});

t.test('what is broken is refused in words', async (t) => {
  const refusals: [() => unknown, RegExp][] = [
    [() => readCsv(encode('a,b\n1,2\n1,2,3\n'), ','), /line 3 has 3 cells, and there are 2 columns/],
    [() => readCsv(encode('a,b\n1,"2\n'), ','), /is it CSV\?/],
    [() => readCsv(encode('a,a\n1,2\n'), ','), /two columns are named 'a'/],
    [() => readCsv(encode(''), ','), /it is empty/],
    [() => readCsv(new Uint8Array([0x61, 0x0a, 0xff]), ','), /not in UTF-8/],
    [() => readJson(encode('[{"a":1},')), /it is no JSON/],
    [() => readJson(encode('[1]')), /element 0 is no object/],
    [() => readJson(encode('[{"a":1},{"a":"x"}]')), /column 'a' has a number and, in row 2, a string/],
    [() => readNdjson(encode('{"a":1}\n{"a":\n')), /in line 2 it is no JSON/],
    [() => readParquet(encode('PAR1 and then nothing PAR1')), /can't be read as Parquet/],
  ];
  for (const [read, message] of refusals)
    await t.rejects(Promise.resolve().then(read), { name: 'Error', message, exitCode: 3 }, String(message));
});
