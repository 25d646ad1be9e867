// A workflow as users have them: ten steps over 200,000 flights, edited at its beginning, in the middle, at its end.
import t from 'tap';
import type { Report, Step, Workflow } from '../../renderer/index.js';
import { FLIGHTS } from '../../demo/flights.js';
import { rendered, startRenderer, stepOf } from '../helpers/renderer.js';

const renderer = await startRenderer(t, { preload: ['apache-arrow', 'arquero'] });
const inputs = { flights: { path: FLIGHTS } };

const aq = (body: string): string => `const aq = require('arquero');
exports.render = (table, params) => { const flights = aq.fromArrow(table); return ${body}; };`;

const STEPS: readonly Step[] = [
  { id: 'keep', code: aq('flights.filter(aq.escape((d) => d.delay >= params.min))'), params: { min: -60 } },
  { id: 'hour', code: aq('flights.derive({ hour: (d) => op.floor(d.time) })') },
  { id: 'late', code: aq('flights.derive({ late: (d) => d.delay > 15 })') },
  {
    id: 'far',
    code: aq('flights.filter(aq.escape((d) => d.distance >= params.miles))'),
    params: { miles: 100 },
  },
  { id: 'speed', code: aq("flights.rename({ time: 'hours' })") },
  { id: 'order', code: aq("flights.orderby('hour')") },
  { id: 'select', code: aq("flights.select('hour', 'delay', 'late', 'distance')") },
  {
    id: 'group',
    code: aq("flights.groupby('hour').rollup({ mean: (d) => op.mean(d.delay), n: () => op.count() })"),
  },
  { id: 'round', code: aq('flights.derive({ mean: (d) => op.round(d.mean) })') },
  { id: 'top', code: aq('flights.slice(0, params.rows)'), params: { rows: 10 } },
];

/** With other params for some of the steps. */
function flights(params: Readonly<Record<string, object>> = {}): Workflow {
  const steps = STEPS.map((step) => ({ ...step, params: params[step.id] ?? step.params ?? {} }));
  return { id: 'flights', tabs: [{ id: 'tab', from: 'flights', steps }] };
}

const ids = STEPS.map(({ id }) => id);

/** For docs/renderer.md: how long each took that was rendered. */
const timesOf = ({ ms, steps }: Report): string => {
  const each = steps
    .filter(({ calls }) => calls.length > 0)
    .map(({ step, ms: own }) => `${step} ${own.toFixed(0)}`);
  return `${ms.toFixed(0)} ms in all: ${each.join(', ') || 'nothing is rendered'}`;
};

t.test('it is rendered as a whole once', async (t) => {
  using report = await renderer.render(flights(), { inputs });
  t.equal(report.status, 'ok');
  t.strictSame(rendered(report), ids);
  t.comment(`as a whole: ${timesOf(report)}`);
  const { table } = stepOf(report, 'top', 'ok');
  t.strictSame(
    table.columns.map(({ name }) => name),
    ['hour', 'mean', 'n'],
  );
  t.equal(table.numRows, 10);
});

t.test('and not again when nothing has changed', async (t) => {
  using report = await renderer.render(flights(), { inputs });
  t.strictSame(rendered(report), []);
  t.comment(`unchanged: ${timesOf(report)}`);
  t.ok(report.steps.every(({ cached, status }) => cached && status === 'ok'));
});

for (const [where, edited, from] of [
  ['at its end', { top: { rows: 5 } }, 9],
  ['in the middle', { far: { miles: 500 } }, 3],
  ['at its beginning', { keep: { min: 0 } }, 0],
] as const) {
  t.test(
    `edited ${where}, what depends on it is rendered, and no table is copied between steps`,
    async (t) => {
      const before = renderer.stats;
      using report = await renderer.render(flights(edited), { inputs });
      t.equal(report.status, 'ok');
      t.strictSame(rendered(report), ids.slice(from));
      const { tables } = renderer.stats;
      // The input is a file, which is brought into memory each time; nothing else is.
      const input = 1_600_864;
      t.equal(tables.copiedBytes - before.tables.copiedBytes, input);
      const handedOver = tables.handedOverBytes - before.tables.handedOverBytes;
      t.comment(`${where}: ${timesOf(report)}; ${handedOver} bytes handed over, ${input} copied: the input`);
      t.ok(tables.handedOverBytes > before.tables.handedOverBytes);
    },
  );
}

t.test('an edit that comes to the same table renders nothing behind it', async (t) => {
  (await renderer.render(flights(), { inputs }))[Symbol.dispose]();
  using report = await renderer.render(flights({ keep: { min: -60, other: true } }), { inputs });
  t.strictSame(rendered(report), ['keep']);
});
