// What is said of what was meant as tables and is none.
import * as arrow from 'apache-arrow';
import t from 'tap';
import { nearMiss } from '../../../zygote/near-miss.js';
import { takeApart } from '../../../zygote/returned.js';

const table = arrow.tableFromArrays({ a: [1] });
const arquero = { toArrowIPC: () => arrow.tableToIPC(table) };
class Foreign {
  readonly schema = table.schema;
  readonly batches = table.batches;
}
const foreign = new Foreign();
const promise = Promise.resolve(table);

const INTO_TABLES = /^a table, which goes into tables: return \{ value, tables: \{ name: table \} \}$/;
const BY_NAME = /^tables is an object of tables by name/;

t.test('what was hardly meant as a value is told what it should be, and where', (t) => {
  const cases: [what: string, returned: unknown, path: string, reason: RegExp][] = [
    ['the name that a step of a Renderer has', { table }, 'value.table', INTO_TABLES],
    ['a table among others', { sum: 1, rows: table.batches[0] }, 'value.rows', INTO_TABLES],
    ['batches', { 'a b': [table].values() }, 'value["a b"]', INTO_TABLES],
    ['a table as tables', { value: 1, tables: table }, 'value.tables', BY_NAME],
    ['rows', [...table], 'value', /^rows of a table: return tableFromJSON\(rows\)/],
    ['a list', [table, table], 'value', /^a list of tables: .*array\.values\(\)/],
    [
      'of several one that is none',
      { tables: { a: table, b: [{ a: 1 }] } },
      'value.tables.b',
      /^it is no table/,
    ],
    ['a Promise of one', { tables: { a: table, b: promise } }, 'value.tables.b', /^a Promise: await it$/],
    ['a Promise of all', { tables: promise }, 'value.tables', /^a Promise: await it$/],
    [
      'something beside',
      { tables: { a: table }, values: 1 },
      'value.values',
      /^beside tables there may be value/,
    ],
    ['arquero', arquero, 'value', /^a table of arquero: give tableFromIPC/],
    ['arquero within', { tables: { a: arquero } }, 'value.tables.a', /^a table of arquero/],
    ['another apache-arrow', { tables: { a: foreign } }, 'value.tables.a', /^a table of another copy/],
  ];
  for (const [what, returned, path, reason] of cases) {
    t.strictSame(takeApart(returned, arrow).tables, [], `${what}: it is taken as a value`);
    t.match(nearMiss(returned, arrow), { code: 'ERR_UNSUPPORTED_VALUE', path, reason }, what);
  }
  t.match(nearMiss(table, arrow), { path: 'value', reason: INTO_TABLES }, 'a table as value');
  t.end();
});

t.test('of anything else nothing is said, and nothing is thrown', (t) => {
  const trap = new Proxy(
    {},
    {
      ownKeys() {
        throw new Error('mine');
      },
    },
  );
  const thrower = {
    get tables(): never {
      throw new Error('mine');
    },
  };
  const others = [
    1,
    null,
    undefined,
    [],
    {},
    { tables: 1 },
    { tables: {} },
    { tables: [1] },
    [{ a: 1 }],
    new Set(),
    trap,
  ];
  const plain = { schema: {}, batches: [], f: () => 1 };
  for (const value of [...others, { a: () => 1 }, plain, thrower]) t.equal(nearMiss(value, arrow), undefined);
  t.equal(nearMiss({ table }, undefined), undefined, 'nor without apache-arrow');
  t.end();
});
