// Workflows with real children: what becomes of their steps.
import { tableFromArrays } from 'apache-arrow';
import t from 'tap';
import { RenderCanceledError, type RenderEvent } from '../../renderer/index.js';
import { eventually } from '../helpers/eventually.js';
import { testLinearWorkflow } from '../helpers/linear-workflow.js';
import { linear, source, startRenderer, statuses, step, stepOf, workflow } from '../helpers/renderer.js';

const renderer = await startRenderer(t);
const flights = tableFromArrays({ a: Int32Array.from([1, 2, 3, 4]) });

testLinearWorkflow(t, renderer);

t.test('a table that is disposed of with its report is gone', async (t) => {
  const report = await renderer.render(linear(source('one')));
  const { table } = stepOf(report, 'one', 'ok');
  report[Symbol.dispose]();
  await t.rejects(table.read(), { code: 'ERR_TABLE_GONE' });
});

t.test('what follows a step with an error is unreachable', async (t) => {
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
  t.strictSame(stepOf(report, 'follower', 'unreachable').because, ['error']);
  t.strictSame(stepOf(report, 'far', 'unreachable').because, ['follower']);
  t.strictSame(Object.keys(report.tables), ['other']);
});

t.test('a step is given tables of other tabs, and inputs, by name', async (t) => {
  const sum = `const sum = (of) => Array.from(of.getChild('a')).reduce((x, y) => x + y, 0);
    return { table: table ?? context.inputs.one, value: Object.entries(context.inputs).map(([name, of]) => [name, sum(of)]) };`;
  using report = await renderer.render(
    workflow(
      {
        id: 'last',
        steps: [step('join', sum, { inputs: { one: 'first', two: 'second', three: 'flights' } })],
      },
      { id: 'first', steps: [source('a', [1, 2])] },
      { id: 'second', steps: [source('b', [5])] },
    ),
    { inputs: { flights } },
  );
  t.strictSame(stepOf(report, 'join', 'ok').value, [
    ['one', 3],
    ['two', 5],
    ['three', 10],
  ]);
});

t.test('a cycle and a missing input are errors of the steps that have them', async (t) => {
  using report = await renderer.render(
    workflow(
      { id: 'a', from: 'b', steps: [source('a1'), source('a2')] },
      { id: 'b', steps: [source('b1'), step('b2', 'return table;', { inputs: { other: 'a' } })] },
      { id: 'self', steps: [step('self1', 'return table;', { inputs: { own: 'self' } })] },
      { id: 'missing', from: 'nothing', steps: [source('missing1'), source('missing2')] },
      { id: 'empty', steps: [] },
      { id: 'fromEmpty', from: 'empty', steps: [source('empty1')] },
    ),
  );
  t.strictSame(statuses(report), {
    a1: 'error',
    a2: 'unreachable',
    b1: 'ok',
    b2: 'error',
    self1: 'error',
    missing1: 'error',
    missing2: 'unreachable',
    empty1: 'error',
  });
  for (const id of ['a1', 'b2', 'self1']) t.equal(stepOf(report, id, 'error').errors[0]?.code, 'cycle', id);
  for (const id of ['missing1', 'empty1'])
    t.equal(stepOf(report, id, 'error').errors[0]?.code, 'missingInput', id);
});

t.test('an aborted signal cancels, and the report says why', async (t) => {
  const controller = new AbortController();
  const rendering = renderer.render(linear(source('one'), step('endless', 'for (;;);'), source('three')), {
    signal: controller.signal,
  });
  for await (const event of rendering) {
    if (event.type === 'started' && event.step === 'endless' && event.call === 'render')
      controller.abort('enough');
  }
  using report = await rendering;
  t.match(report, { status: 'canceled', reason: 'enough' });
  t.strictSame(statuses(report), { one: 'ok', endless: 'canceled', three: 'canceled' });
  using again = await renderer.render(linear(source('one')), { signal: controller.signal });
  t.match(again, { status: 'canceled', steps: [{ status: 'canceled', calls: [] }] });
});

t.test('a newer version of a workflow cancels the one that is being rendered', async (t) => {
  const old = renderer.render(linear(source('one'), step('endless', 'for (;;);')));
  for await (const event of old) {
    if (event.type === 'started' && event.step === 'endless' && event.call === 'render') break;
  }
  const next = renderer.render(linear(source('one'), source('two')));
  using canceled = await old;
  t.equal(canceled.status, 'canceled');
  t.ok(canceled.reason instanceof RenderCanceledError);
  t.match(canceled.reason, { code: 'ERR_RENDER_CANCELED', why: 'superseded' });
  using report = await next;
  t.strictSame(statuses(report), { one: 'ok', two: 'ok' });
});

t.test('code is looked at before it is rendered', async (t) => {
  t.strictSame(await renderer.validate('export function render() {} export const fetch = async () => {};'), {
    ok: true,
    exports: ['render', 'fetch'],
    errors: [],
  });
  t.match(await renderer.validate('exports.other = 1;'), {
    ok: false,
    errors: [
      { code: 'badModule', text: "step.js must export a function 'render' or 'fetch', but exports other." },
    ],
  });
  t.match(await renderer.validate('const a = 1;\nconst b = ;', { filename: 'b.js' }), {
    ok: false,
    errors: [{ code: 'threw', place: { file: 'b.js', line: 2, column: 11 } }],
  });
  t.match(await renderer.validate('\n\nthrow new Error("at once");'), {
    ok: false,
    errors: [{ code: 'threw', text: 'Error: at once', place: { line: 3 } }],
  });
});

t.test('an input that is no table rejects the rendering, and ends its events', async (t) => {
  const tab = { id: 'tab', from: 'wrong', steps: [step('one', 'return table;')] };
  for (const wrong of [5 as never, { path: '/no/such/file' }]) {
    const rendering = renderer.render(workflow(tab), { inputs: { wrong } });
    const events: RenderEvent[] = [];
    const refusal = { code: 'ERR_INVALID_OPTION', option: /^options\.inputs\.wrong/ };
    const watch = async (): Promise<void> => {
      for await (const event of rendering) events.push(event);
    };
    await t.rejects(watch(), refusal, 'who iterates is told');
    t.strictSame(events, []);
    await t.rejects(Promise.resolve(rendering), refusal);
    t.match(await rendering.catch((error: unknown) => error), refusal);
  }
  using unused = await renderer.render(linear(source('one')), { inputs: { wrong: 5 as never } });
  t.equal(unused.status, 'ok', 'one that nothing takes is not looked at');
});

t.test('events are there from the first one on, whenever one begins to iterate', async (t) => {
  const rendering = renderer.render(linear(source('one')));
  const report = await rendering.finally(() => undefined);
  report[Symbol.dispose]();
  const types: string[] = [];
  for await (const { type, rendering: id } of rendering) {
    types.push(type);
    t.equal(id, rendering.id);
  }
  t.equal(types[0], 'queued');
  t.strictSame(types.slice(-2), ['done', 'ended']);
  t.equal(report.rendering, rendering.id);
  const other = renderer.render(linear(source('one')));
  (await other)[Symbol.dispose]();
  t.not(other.id, rendering.id);
});

t.test('what is no workflow is refused by the place in it', (t) => {
  for (const [wrong, option] of [
    [null, 'workflow'],
    [{ id: '', tabs: [] }, 'workflow.id'],
    [{ id: 'a', tabs: {} }, 'workflow.tabs'],
    [{ id: 'a', tabs: [{ id: 'b', steps: [{ id: 'c', code: 1 }] }] }, 'workflow.tabs[0].steps[0].code'],
    [linear(source('a'), source('a')), 'workflow.tabs[0].steps[1].id'],
    [workflow({ id: 'flights', steps: [] }), 'workflow.tabs[0].id'],
    [linear({ ...source('a'), other: 1 } as never), 'workflow.tabs[0].steps[0].other'],
  ] as const) {
    t.throws(() => renderer.render(wrong as never, { inputs: { flights } }), {
      code: 'ERR_INVALID_OPTION',
      option,
    });
  }
  t.throws(() => renderer.render(linear(), { other: 1 } as never), {
    code: 'ERR_INVALID_OPTION',
    option: 'options.other',
  });
  t.end();
});

t.test('of renderings that wait, the most urgent goes first', async (t) => {
  const order: string[] = [];
  const log = (fields: object): void => {
    const { event, call, workflow: of } = fields as Readonly<Record<string, string>>;
    if (event === 'call' && call === 'render' && of !== undefined) order.push(of);
  };
  const logger = { debug: log, info: log, warn: log, error: log };
  const one = await startRenderer(t, { maxChildren: 1, logger });
  const code = 'while (params.endless); return tableFromArrays({ a: [params.n] });';
  const render = (id: string, params: object, priority: number) =>
    one.render({ id, tabs: [{ id: 'tab', steps: [step('step', code, { params })] }] }, { priority });
  // Its code is looked at: then each has one child.
  (await render('first', { n: 0 }, 9))[Symbol.dispose]();
  const endless = render('endless', { endless: true }, 9);
  for await (const event of endless) if (event.type === 'started') break;
  const waiting = [
    render('low', { n: 1 }, 7),
    render('middle', { n: 2 }, 5),
    render('high', { n: 3 }, 0),
    render('another of the middle', { n: 4 }, 5),
  ];
  await eventually('all wait', () => one.stats.children.queued === waiting.length);
  endless.cancel();
  for (const report of await Promise.all(waiting)) report[Symbol.dispose]();
  await endless;
  t.strictSame(order, ['first', 'endless', 'high', 'middle', 'another of the middle', 'low']);
  for (const priority of [-1, 1.5, 2_097_152, Infinity, '1'])
    t.throws(() => one.render(linear(source('one')), { priority: priority as number }), {
      code: 'ERR_INVALID_OPTION',
      option: 'options.priority',
    });
});
