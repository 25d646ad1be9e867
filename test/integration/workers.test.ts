// A client, a queue and a worker in one process: what a workflow gives is what it gives without them.
import { tableFromArrays } from 'apache-arrow';
import t from 'tap';
import { Renderer } from '../../renderer/index.js';
import { RendererWorker } from '../../renderer/workers/worker.js';
import { testLinearWorkflow } from '../helpers/linear-workflow.js';
import { MemoryStore } from '../helpers/memory-store.js';
import { startRedis } from '../helpers/redis-server.js';
import { linear, source, statuses, step, stepOf, workflow } from '../helpers/renderer.js';

const redis = await startRedis(t);
const store = new MemoryStore();
const queue = { connection: redis.url };
const worker = await RendererWorker.start({ queue, store, concurrency: 2 });
const renderer = await Renderer.start({ queue, store });
t.teardown(async () => {
  await renderer.close();
  await worker.close();
});
const flights = tableFromArrays({ a: Int32Array.from([1, 2, 3, 4]) });

testLinearWorkflow(t, renderer);

t.test(
  'a step that several others need is run once, and each is run when all that it needs are done',
  async (t) => {
    const sum = `const sum = (of) => Array.from(of.getChild('a')).reduce((x, y) => x + y, 0);
    return { table: table ?? context.inputs.one, value: Object.entries(context.inputs).map(([name, of]) => [name, sum(of)]) };`;
    using report = await renderer.render(
      workflow(
        {
          id: 'last',
          steps: [step('join', sum, { inputs: { one: 'left', two: 'right', three: 'flights' } })],
        },
        { id: 'left', from: 'shared', steps: [step('l', 'return table.slice(0, 1);')] },
        { id: 'right', from: 'shared', steps: [step('r', 'return table.slice(1);')] },
        { id: 'shared', steps: [source('s', [5, 6, 7])] },
      ),
      { inputs: { flights } },
    );
    t.strictSame(stepOf(report, 'join', 'ok').value, [
      ['one', 5],
      ['two', 13],
      ['three', 10],
    ]);
    t.equal(stepOf(report, 's', 'ok').calls.filter(({ call }) => call === 'render').length, 1);
  },
);

t.test('what follows a step with an error is unreachable, and an error is not tried again', async (t) => {
  using report = await renderer.render(
    workflow(
      {
        id: 'bad',
        steps: [source('ok'), step('error', 'throw new RangeError("of mine");'), source('follower')],
      },
      { id: 'other', steps: [source('independent')] },
      { id: 'dependent', from: 'bad', steps: [source('far')] },
    ),
  );
  t.equal(report.status, 'error');
  t.strictSame(statuses(report), {
    ok: 'ok',
    error: 'error',
    follower: 'unreachable',
    independent: 'ok',
    far: 'unreachable',
  });
  t.match(stepOf(report, 'error', 'error').errors, [
    { code: 'threw', text: 'RangeError: of mine', place: { file: 'error.js', line: 3, column: 7 } },
  ]);
  t.equal(stepOf(report, 'error', 'error').calls.filter(({ call }) => call === 'render').length, 1);
});

t.test('a newer version of a workflow cancels the one that is being rendered', async (t) => {
  const other = await Renderer.start({ queue, store });
  t.teardown(() => other.close());
  const old = renderer.render(linear(source('one'), step('endless', 'for (;;);'), source('never')));
  for await (const event of old)
    if (event.type === 'started' && event.step === 'endless' && event.call === 'render') break;
  const next = other.render(linear(source('one'), source('two')));
  using canceled = await old;
  t.match(canceled, { status: 'canceled', reason: { code: 'ERR_RENDER_CANCELED', why: 'superseded' } });
  t.strictSame(statuses(canceled), { one: 'ok', endless: 'canceled', never: 'canceled' });
  using report = await next;
  t.strictSame(statuses(report), { one: 'ok', two: 'ok' });
});

t.test('code is looked at by a worker', async (t) => {
  t.strictSame(await renderer.validate('export function render() {}'), {
    ok: true,
    exports: ['render'],
    errors: [],
  });
  t.match(await renderer.validate('const a = 1;\nconst b = ;', { filename: 'b.js' }), {
    ok: false,
    errors: [{ code: 'threw', place: { file: 'b.js', line: 2, column: 11 } }],
  });
});
