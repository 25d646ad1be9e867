// Tables take descriptors, of which a process has only so many.
import t from 'tap';
import { HostProgram } from '../helpers/host-program.js';
import { temporaryFolder } from '../helpers/renderer.js';

const RENDERER = new URL('../../renderer/index.js', import.meta.url).href;

const PROGRAM = `
import { readdirSync, readlinkSync } from 'node:fs';
const { Renderer } = await import(${JSON.stringify(RENDERER)});
const memfds = () => readdirSync('/proc/self/fd').filter((fd) => {
  try { return readlinkSync('/proc/self/fd/' + fd).includes('memfd'); } catch { return false; }
}).length;
// Tables of one row, or of some 160 KB.
const workflow = (id, count, rows = 1) => ({
  id,
  tabs: Array.from({ length: count }, (_, n) => ({
    id: 't' + n,
    steps: [{
      id: 's' + n,
      filename: 'step.js',
      params: { id, n, rows },
      code: 'const { tableFromArrays } = require("apache-arrow"); exports.render = (t, { id, n, rows }) => tableFromArrays({ id: Array(rows).fill(id), n: new Float64Array(rows).fill(n) });',
    }],
  })),
});
`;

const withLimit = (files: number): { through: readonly string[] } => ({
  through: ['sh', '-c', `ulimit -n ${files}; exec "$@"`, 'sh'],
});

t.test('a report that is disposed of gives its descriptors back at once', async (t) => {
  const host = new HostProgram(
    t,
    `${PROGRAM}
const renderer = await Renderer.start({ maxMemoryBytes: 0 });
{
  const report = await renderer.render(workflow('many', 20));
  say([report.status, memfds() >= 20]);
  report[Symbol.dispose]();
}
say(memfds());
await renderer.close();`,
  );
  t.strictSame(await host.next(), ['ok', true]);
  t.equal(await host.next(), 0);
});

t.test('tables that nobody holds leave descriptors for others', async (t) => {
  const host = new HostProgram(
    t,
    `${PROGRAM}
const renderer = await Renderer.start({ maxChildren: 2 });
for (let n = 0; n < 8; n++) {
  const report = await renderer.render(workflow('w' + n, 20));
  say(report.status);
  report[Symbol.dispose]();
}
say(memfds() <= 16);
await renderer.close();`,
    withLimit(128),
  );
  for (let n = 0; n < 8; n++) t.equal(await host.next(), 'ok');
  t.equal(await host.next(), true);
});

t.test('any number of small tables live at once, and are what they were', async (t) => {
  const host = new HostProgram(
    t,
    `${PROGRAM}
const dir = ${JSON.stringify(temporaryFolder(t))};
for (const _ of ['rendered', 'out of the cache']) {
  const renderer = await Renderer.start({ maxChildren: 2, cache: { dir } });
  const live = [];
  for (let n = 0; n < 4; n++) live.push(await renderer.render(workflow('w' + n, 30)));
  // One more step on a table that was moved.
  const { tabs: [first] } = workflow('w0', 30);
  const next = { id: 'next', code: 'exports.render = (table) => ({ table, value: [table.get(0).id, table.get(0).n] });' };
  const more = await renderer.render({ id: 'more', tabs: [{ ...first, steps: [...first.steps, next] }] });
  const wrong = [];
  for (const [w, report] of live.entries())
    for (let n = 0; n < 30; n++) {
      const row = (await report.tables['t' + n].read()).get(0);
      if (row.id !== 'w' + w || row.n !== n) wrong.push([w, n, row]);
    }
  say([live.map(({ status }) => status), wrong, more.steps[1].value, readdirSync('/proc/self/fd').length < 100]);
  await renderer.close();
}`,
    { ...withLimit(128), env: { HOME: process.env.HOME ?? '/' } },
  );
  const right = [Array.from({ length: 4 }, () => 'ok'), [], ['w0', 0], true];
  t.strictSame(await host.next(), right);
  t.strictSame(await host.next(), right);
  // Or it still writes to the folder.
  await host.end();
});

t.test(
  'where large tables of a workflow have taken all descriptors, others go on once it is disposed of',
  async (t) => {
    const host = new HostProgram(
      t,
      `${PROGRAM}
const renderer = await Renderer.start({ maxChildren: 2, maxSteps: 200 });
{
  const report = await renderer.render(workflow('large', 100, 20_000));
  say(report.status);
  report[Symbol.dispose]();
}
// Descriptors of other processes that are on their way count too, for a moment.
const statuses = [];
do statuses.push((await renderer.render(workflow('small' + statuses.length, 2))).status);
while (statuses.at(-1) !== 'ok' && statuses.length < 30 && await new Promise((resolve) => setTimeout(resolve, 500, true)));
say(statuses.at(-1));
await renderer.close();`,
      withLimit(110),
    );
    t.equal(await host.next(), 'error');
    t.equal(await host.next(), 'ok');
  },
);

t.test(
  'room is made where there is none: what nobody holds is let go of, and it is tried again',
  async (t) => {
    const host = new HostProgram(
      t,
      `${PROGRAM}
import { openSync } from 'node:fs';
const renderer = await Renderer.start({ maxChildren: 1 });
{
  const report = await renderer.render(workflow('first', 12));
  say(report.status);
  report[Symbol.dispose]();
}
const kept = memfds();
// All that there is.
for (;;) {
  try { openSync('/dev/null'); } catch { break; }
}
{
  const report = await renderer.render(workflow('second', 1));
  say([kept, report.status]);
}
await renderer.close();`,
      withLimit(128),
    );
    t.equal(await host.next(), 'ok');
    t.strictSame(await host.next(), [12, 'ok']);
  },
);
