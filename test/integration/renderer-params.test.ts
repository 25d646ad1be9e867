// Params of steps: migrated in a child, checked before they are used.
import t from 'tap';
import { z } from 'zod';
import type { ParamSpec, Step } from '../../renderer/index.js';
import { linear, source, startRenderer, step, stepOf } from '../helpers/renderer.js';

const renderer = await startRenderer(t);

/** Gives its params back as its value. */
const echo = (others: Partial<Step>): Step =>
  step('echo', 'return { table: tableFromArrays({ a: [1] }), value: params };', others);

const spec: ParamSpec = {
  column: { type: 'string' },
  rows: { type: 'integer', default: 10, min: 1 },
};

const MIGRATING = `const { tableFromArrays } = require('apache-arrow');
exports.migrateParams = ({ col, ...others }) => (col === undefined ? others : { ...others, column: col });
exports.render = (table, params) => ({ table: tableFromArrays({ a: [1] }), value: params });`;

t.test('params are checked, and defaults filled in, by a declaration', async (t) => {
  using good = await renderer.render(linear(echo({ params: { column: 'a' }, schema: spec })));
  t.strictSame(stepOf(good, 'echo', 'ok').value, { column: 'a', rows: 10 });
  using bad = await renderer.render(linear(echo({ params: { rows: 0.5, other: 1 }, schema: spec })));
  const { errors, calls } = stepOf(bad, 'echo', 'error');
  t.strictSame(
    errors.map(({ code, path }) => [code, path]),
    [
      ['badParams', 'other'],
      ['badParams', 'column'],
      ['badParams', 'rows'],
    ],
  );
  t.notOk(
    calls.some(({ call }) => call === 'render'),
    'the step was not rendered',
  );
});

t.test('they are checked by a schema of a library', async (t) => {
  const schema = z.object({ rows: z.number().transform((rows) => rows * 2) });
  using good = await renderer.render(linear(echo({ params: { rows: 2 }, schema })));
  t.strictSame(stepOf(good, 'echo', 'ok').value, { rows: 4 });
  using bad = await renderer.render(linear(echo({ params: { rows: 'many' }, schema })));
  t.match(stepOf(bad, 'echo', 'error').errors, [
    { code: 'badParams', path: 'rows', text: /^The param 'rows': / },
  ]);
});

t.test('params of an older version are migrated before they are checked', async (t) => {
  const migrating = (params: object): Step => ({ id: 'echo', code: MIGRATING, params, schema: spec });
  using report = await renderer.render(linear(migrating({ col: 'a' })));
  const { value, calls } = stepOf(report, 'echo', 'ok');
  t.strictSame(value, { column: 'a', rows: 10 });
  t.strictSame(
    calls.map(({ call }) => call),
    ['validate', 'migrateParams', 'render'],
  );
  using same = await renderer.render(linear(migrating({ column: 'a' })));
  t.strictSame(
    stepOf(same, 'echo', 'ok').calls.map(({ call }) => call),
    ['migrateParams'],
    'params that come to the same are rendered once',
  );
});

t.test('a migration that fails is an error of the step', async (t) => {
  const failing = (body: string): Step => ({
    id: 'echo',
    code: `exports.migrateParams = () => { ${body} };\nexports.render = (table) => table;`,
  });
  using threw = await renderer.render(linear(failing('throw new Error("too old");'), source('after')));
  t.match(stepOf(threw, 'echo', 'error').errors, [
    { code: 'threw', text: 'Error: too old', place: { line: 1 } },
  ]);
  stepOf(threw, 'after', 'unreachable');
  using exited = await renderer.render(linear(failing('process.exit(0);')));
  t.match(stepOf(exited, 'echo', 'error').errors, [{ code: 'exited', text: /^migrateParams\(\) ended/ }]);
});

t.test('params that can not be sent are refused by their place', async (t) => {
  using report = await renderer.render(linear(echo({ params: { list: [1, () => 2] } })));
  t.match(stepOf(report, 'echo', 'error').errors, [{ code: 'badParams', text: /list\[1\]/ }]);
});

t.test('a step gets its params, and is only asked what it exports', async (t) => {
  using report = await renderer.render(
    linear({
      id: 'fetcher',
      code: `const { tableFromArrays } = require('apache-arrow');
        exports.fetch = async (params) => ({ table: tableFromArrays({ a: [params.n] }), value: 'fetched', warnings: ['slow'] });
        exports.render = (table, params, { fetched }) => ({
          table: fetched.table, value: [table, fetched.value, params.n], warnings: ['old'],
        });`,
      params: { n: 7 },
    }),
  );
  const { value, warnings, table } = stepOf(report, 'fetcher', 'ok');
  t.strictSame(value, [null, 'fetched', 7]);
  t.strictSame(
    warnings.map(({ text }) => text),
    ['slow', 'old'],
  );
  t.equal((await table.read()).get(0)?.a, 7);
});

t.test('what was fetched is used again, unless it is to be fetched again', async (t) => {
  const fetcher: Step = {
    id: 'now',
    code: `const { tableFromArrays } = require('apache-arrow');
      exports.fetch = () => ({ table: tableFromArrays({ at: [String(process.hrtime.bigint())] }) });`,
  };
  const hashOf = async (refetch: boolean | string[]): Promise<string> => {
    using report = await renderer.render(linear(fetcher), { refetch });
    return stepOf(report, 'now', 'ok').table.hash;
  };
  const first = await hashOf(false);
  t.equal(await hashOf(false), first);
  t.equal(await hashOf([]), first);
  t.throws(() => renderer.render(linear(fetcher), { refetch: ['now', 'other'] }), {
    code: 'ERR_INVALID_OPTION',
    message: /^options\.refetch\[1\] must be the id of a step/,
  });
  const second = await hashOf(['now']);
  t.not(second, first);
  t.equal(await hashOf(false), second, 'what was fetched last');
  t.not(await hashOf(true), second);
});
