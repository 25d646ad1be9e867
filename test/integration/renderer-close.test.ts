// How a Renderer ends, and who gets the next child.
import { readdirSync } from 'node:fs';
import t from 'tap';
import { RendererClosedError, type Workflow } from '../../renderer/index.js';
import { eventually } from '../helpers/eventually.js';
import { collectGarbage } from '../helpers/garbage.js';
import { markedProcesses } from '../helpers/processes.js';
import { linear, source, startRenderer, statuses, step } from '../helpers/renderer.js';
import { MARK, newMark } from '../helpers/zygote.js';

const openFds = (): string[] => readdirSync('/proc/self/fd');

t.test('closing it cancels what is being rendered', async (t) => {
  const renderer = await startRenderer(t);
  const rendering = renderer.render(linear(source('one'), step('endless', 'for (;;);')));
  for await (const event of rendering) if (event.type === 'started' && event.step === 'endless') break;
  await renderer.close();
  using report = await rendering;
  t.match(report, { status: 'canceled', reason: { code: 'ERR_RENDER_CANCELED', why: 'closed' } });
  t.throws(() => renderer.render(linear()), RendererClosedError);
  await t.rejects(renderer.validate(''), { code: 'ERR_RENDERER_CLOSED' });
  await renderer.close();
});

t.test('or finishes it, if asked to', async (t) => {
  const renderer = await startRenderer(t);
  const rendering = renderer.render(
    linear(source('one'), step('slow', 'await new Promise((done) => setTimeout(done, 300)); return table;')),
  );
  const closed = renderer.close({ drain: true });
  t.throws(() => renderer.render(linear()), { code: 'ERR_RENDERER_CLOSED' });
  await closed;
  using report = await rendering;
  t.strictSame(statuses(report), { one: 'ok', slow: 'ok' });
});

t.test('a drain that takes too long can be cut short', async (t) => {
  const renderer = await startRenderer(t);
  const rendering = renderer.render(linear(step('endless', 'for (;;);')));
  const drained = renderer.close({ drain: true });
  await renderer.close();
  await drained;
  using report = await rendering;
  t.equal(report.status, 'canceled');
});

t.test('nothing is left of it: no process, no descriptor', async (t) => {
  const before = openFds();
  for (const drain of [false, true]) {
    const mark = newMark();
    const renderer = await startRenderer(t, { env: { [MARK]: mark } });
    const report = await renderer.render(
      linear(source('one'), step('bad', 'throw new Error();'), step('three', 'return table;')),
    );
    report[Symbol.dispose]();
    await renderer.close({ drain });
    await eventually('no process is left', () => markedProcesses(mark).length === 0);
  }
  await eventually('no descriptor is left', () => {
    // The table that a child gave is an object of the library's, which holds its memory.
    collectGarbage();
    return openFds().length <= before.length;
  });
  t.pass();
});

t.test('a large workflow does not keep a small one waiting', async (t) => {
  const renderer = await startRenderer(t, { maxChildren: 1 });
  const tabs = Array.from({ length: 20 }, (_, n) => ({ id: `tab${n}`, steps: [source(`step${n}`, [n])] }));
  const large: Workflow = { id: 'large', tabs };
  const order: string[] = [];
  const follow = async (workflow: Workflow): Promise<void> => {
    const rendering = renderer.render(workflow);
    for await (const event of rendering) if (event.type === 'done') order.push(workflow.id);
    (await rendering)[Symbol.dispose]();
  };
  await Promise.all([
    follow(large),
    follow({ id: 'small', tabs: [{ id: 'tab', steps: [source('only', [99])] }] }),
  ]);
  t.equal(order.length, 21);
  t.ok(order.indexOf('small') <= 2, `after ${order.indexOf('small')} of 20`);
});

t.test('no more children run at once than were allowed', async (t) => {
  const renderer = await startRenderer(t, { maxChildren: 2 });
  let most = 0;
  const follow = async (n: number): Promise<void> => {
    const rendering = renderer.render({ id: `w${n}`, tabs: [{ id: 'tab', steps: [source('only', [n])] }] });
    for await (const { type } of rendering) {
      if (type === 'started') most = Math.max(most, renderer.stats.children.running);
    }
    t.equal((await rendering).status, 'ok');
  };
  await Promise.all(Array.from({ length: 12 }, (_, n) => follow(n)));
  t.equal(most, 2);
});

t.test('a zygote that somebody kills is started again', async (t) => {
  const mark = newMark();
  const renderer = await startRenderer(t, { env: { [MARK]: mark } });
  using first = await renderer.render(linear(source('one')));
  t.equal(first.status, 'ok');
  for (const { pid } of markedProcesses(mark)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // Gone with one that was killed before.
    }
  }
  using second = await renderer.render(linear(source('two', [2])));
  t.strictSame(statuses(second), { two: 'ok' });
});
