// fetch() in a sandbox of its own.
import t from 'tap';
import { Renderer } from '../../renderer/index.js';
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

// A file that there is not can't be shown to children, as a network can't be had where it isn't set up.
const wrong = { files: ['/nonexistent/file'] };

t.test('a set-up that is wrong makes start() fail, if it is looked at then', async (t) => {
  await t.rejects(Renderer.start({ fetch: { sandbox: wrong, eager: true } }), {
    code: 'ERR_SANDBOX_UNAVAILABLE',
  });
});

t.test('else its user is not told to try again', async (t) => {
  const renderer = await startRenderer(t, { fetch: { sandbox: wrong } });
  using report = await renderer.render(linear(STEP));
  t.match(stepOf(report, 'where', 'error').errors, [
    { code: 'internal', text: /the fault of this step\. Whoever runs this service has to see to it\.$/ },
  ]);
});
