// fetch() in a sandbox of its own.
import t from 'tap';
import { linear, startRenderer, stepOf } from '../helpers/renderer.js';

const STEP = {
  id: 'where',
  code: `const { tableFromArrays } = require('apache-arrow');
    const seen = () => require('node:fs').existsSync('/usr/bin');
    exports.fetch = () => ({ table: tableFromArrays({ a: [1] }), value: seen() });
    exports.render = (table, params, { fetched }) => ({ table: fetched.table, value: [fetched.value, seen()] });`,
};

t.test('it has its sandbox, and render has the other', async (t) => {
  const renderer = await startRenderer(t, { fetch: { sandbox: { files: ['/usr'] } } });
  using report = await renderer.render(linear(STEP));
  t.strictSame(stepOf(report, 'where', 'ok').value, [true, false]);
});

t.test('it has limits of its own', async (t) => {
  const renderer = await startRenderer(t, { fetch: { limits: { timeoutMs: 250 } } });
  using report = await renderer.render(linear({ id: 'slow', code: 'exports.fetch = () => { for (;;); };' }));
  t.match(stepOf(report, 'slow', 'error').errors, [
    { code: 'timedOut', text: 'fetch() took longer than 250 ms and was stopped.' },
  ]);
});
