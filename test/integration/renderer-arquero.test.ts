// Tables of arquero: what they keep of a table of Arrow, and what is said of those that Arrow can't hold.
import { readFileSync } from 'node:fs';
import t from 'tap';
import { linear, startRenderer, step, stepOf, workflow } from '../helpers/renderer.js';

const renderer = await startRenderer(t, { preload: ['arquero'] });

const DATES = step(
  'dates',
  `const { Table, vectorFromArray, DateDay, TimestampMillisecond } = require('apache-arrow');
   const date = new Date('2024-01-31T10:00:00Z');
   return new Table({ day: vectorFromArray([date, null], new DateDay()), at: vectorFromArray([date, null], new TimestampMillisecond()) });`,
);

t.test('dates stay dates by way of the bytes of a table, as the documentation says', async (t) => {
  const through = step(
    'through',
    `const aq = require('arquero');
     const { tableToIPC } = require('apache-arrow');
     return aq.fromArrow(tableToIPC(table), { useDate: true }).filter((d) => d.day != null);`,
  );
  using report = await renderer.render(linear(DATES, through));
  const { table } = stepOf(report, 'through', 'ok');
  t.strictSame(table.columns, [
    { name: 'day', type: 'Date32<DAY>' },
    { name: 'at', type: 'Timestamp<MILLISECOND>' },
  ]);
  t.equal(table.numRows, 1);
});

t.test(
  'tables from rows, columns and text: each example of the documentation gives what it says',
  async (t) => {
    const page = readFileSync(new URL('../../../docs/renderer.md', import.meta.url), 'utf8');
    const [, section = ''] = /^### Tables from rows, columns and text\n([^]*?)^###? /m.exec(page) ?? [];
    const examples = [...section.matchAll(/^```js\n([^]*?)^\/\/ (.*)\n```$/gm)];
    t.equal(examples.length, 4);
    const params = {
      json: '{ "cities": [{ "city": "Ulm", "people": 126000 }, { "city": "Jena" }] }',
      csv: 'city;people;since\nUlm;126000;1181-01-01\nJena;110000;\n',
      url: 'data:text/csv,city%2Cpeople%0AUlm%2C126000%0AJena%2C110000%0A',
    };
    const tabs = examples.map(([, code], n) => ({
      id: `tab${n}`,
      steps: [{ id: `example${n}`, code: code!, params }],
    }));
    using report = await renderer.render({ id: 'examples', tabs });
    for (const [n, [, , columns]] of examples.entries()) {
      const { table } = stepOf(report, `example${n}`, 'ok');
      t.equal(table.columns.map(({ name, type }) => `${name}: ${type}`).join(', '), columns);
      t.equal((await table.read()).numRows, 2);
    }
  },
);

t.test('a column that Arrow has no type for is named', async (t) => {
  const mixed = step('mixed', "return require('arquero').table({ a: [1, 2], 'b c': [1, 'x'] });");
  using report = await renderer.render(workflow({ id: 'tab', steps: [mixed] }));
  t.match(stepOf(report, 'mixed', 'error').errors, [
    {
      code: 'badResult',
      text: /^What render\(\) gave can't be used: its column 'b c' has no type of its own/,
    },
  ]);
});

t.test('a column that there is not: the place in the step, and no path of the host', async (t) => {
  const wrong = step('wrong', "return require('arquero').table({ a: [1] }).filter((d) => d.b > 3);");
  using report = await renderer.render(linear(wrong));
  const [error] = stepOf(report, 'wrong', 'error').errors;
  t.match(error, { code: 'threw', place: { file: 'wrong.js', line: 3 } });
  t.notMatch(JSON.stringify(error), /node_modules|file:/);
  t.match(error?.stack, /wrong\.js:3/);
});
