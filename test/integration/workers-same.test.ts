// Whether steps are run here or by workers: the same workflows have the same events and come to the same reports.
import { tableFromArrays } from 'apache-arrow';
import t from 'tap';
import {
  RendererWorker,
  type Renderer,
  type RenderEvent,
  type Rendering,
  type Report,
  type Workflow,
} from '../../renderer/index.js';
import { MemoryStore } from '../helpers/memory-store.js';
import { startRedis } from '../helpers/redis-server.js';
import { linear, source, startRenderer, step, workflow } from '../helpers/renderer.js';

const limits = { timeoutMs: 3_000, maxTableBytes: 1_000_000, memoryBytes: 256 * 2 ** 20 };
const store = new MemoryStore();
const queue = { connection: (await startRedis(t)).url };
const worker = await RendererWorker.start({ queue, store, limits, concurrency: 2 });
t.teardown(() => worker.close({ drainMs: 0 }));
const here = await startRenderer(t, { limits });
const elsewhere = await startRenderer(t, { queue, store });
const flights = tableFromArrays({ a: Int32Array.from([1, 2, 3, 4]) });

/** Without what depends on the time. */
async function plain(report: Report): Promise<object> {
  const steps = report.steps.map(async (done) => {
    const { ms, calls, ...rest } = done;
    // Of a step that is canceled a client doesn't wait to hear what was run.
    const called = ms >= 0 && rest.status !== 'canceled' ? calls.map(({ call }) => call) : [];
    if (rest.status !== 'ok') return { ...rest, calls: called };
    const { hash, byteLength, numRows, columns } = rest.table;
    const rows = (await rest.table.read()).toArray().map(String);
    return { ...rest, calls: called, table: { hash, byteLength, numRows, columns, rows } };
  });
  return {
    workflow: report.workflow,
    status: report.status,
    reason: report.reason instanceof Error ? Object.entries(report.reason) : report.reason,
    tables: Object.keys(report.tables),
    steps: await Promise.all(steps),
  };
}

/** What is heard of each step, in its order; those of others come in between as they like. */
function heardOf(events: readonly RenderEvent[]): Record<string, readonly string[]> {
  const heard: Record<string, string[]> = {};
  for (const event of events) {
    if (event.type === 'ended') continue;
    (heard[event.step] ??= []).push(event.type === 'started' ? `started ${event.call}` : event.type);
  }
  return heard;
}

async function follow(rendering: Rendering, onEvent: (event: RenderEvent) => void = () => undefined) {
  const events: RenderEvent[] = [];
  for await (const event of rendering) {
    events.push(event);
    onEvent(event);
  }
  using report = await rendering;
  return { heard: heardOf(events), report: await plain(report) };
}

const nest = (depth: number): unknown => (depth === 0 ? 1 : [nest(depth - 1)]);

const WORKFLOWS: Readonly<Record<string, Workflow>> = {
  'a good one': workflow(
    {
      id: 'join',
      steps: [
        step('j', 'return { table: context.inputs.one, value: context.inputs.two.numRows, warnings: "w" };', {
          inputs: { one: 'left', two: 'flights' },
        }),
      ],
    },
    {
      id: 'left',
      from: 'flights',
      steps: [step('l', 'console.log("out"); console.error("err"); return table.slice(params.from);')].map(
        (each) => ({ ...each, params: { from: 1, when: new Date(5), big: 2n ** 60n } }),
      ),
    },
  ),
  'steps that fail': workflow(
    ...[
      'throw new RangeError("of mine");',
      'process.exit(3);',
      'for (;;);',
      'return { table: 5 };',
      'return { errors: ["no"], warnings: ["w"] };',
      'return { table, value: () => 1 };',
      'return tableFromArrays({ a: new Float64Array(1_000_000) });',
      'syntax error',
    ].map((body, n) => ({
      id: `tab-${n}`,
      from: 'flights',
      steps: [step(`fails-${n}`, body), step(`after-${n}`, 'return table;')],
    })),
  ),
  'bad params': workflow(
    { id: 'a', steps: [step('function', 'return 1;', { params: { list: [1, () => 2] } })] },
    { id: 'b', steps: [step('class', 'return 1;', { params: new Error('of a class') })] },
    { id: 'c', steps: [step('deep', 'return 1;', { params: nest(200) })] },
    { id: 'd', steps: [step('nearly', 'return 1;', { params: nest(99) })] },
    {
      id: 'e',
      steps: [
        step('schema', 'return 1;', { params: { n: 'x' }, schema: { n: { type: 'integer', max: 5 } } }),
      ],
    },
    {
      id: 'f',
      steps: [
        step('undefined', 'return { table: tableFromArrays({ a: [params.n] }) };', {
          params: { n: undefined },
          schema: { n: { type: 'integer', default: 5 } },
        }),
      ],
    },
    {
      id: 'g',
      steps: [step('both', 'return 1;', { params: { n: () => 1 }, schema: { n: { type: 'integer' } } })],
    },
    { id: 'h', from: 'a', steps: [source('behind')] },
  ),
  'tabs that are missing, and that need each other': workflow(
    { id: 'a', from: 'nowhere', steps: [source('lost')] },
    { id: 'b', steps: [source('input', [1]), source('second')], from: 'c' },
    { id: 'c', from: 'b', steps: [source('other')] },
    { id: 'd', steps: [] },
    { id: 'e', steps: [step('of-empty', 'return table;', { inputs: { x: 'd' } })] },
    { id: 'f', steps: [source('independent')] },
  ),
  'no steps': workflow({ id: 'a', steps: [] }),
  'one that prints much and gives much': linear(
    step('large', 'console.log("x".repeat(100_000)); return { table, value: "y".repeat(50_000) };'),
  ),
};

for (const [name, given] of Object.entries(WORKFLOWS)) {
  t.test(name, async (t) => {
    const tabs = given.tabs.map((tab) => (tab.id === 'tab' ? { ...tab, from: 'flights' } : tab));
    const of = (renderer: Renderer): Promise<object> =>
      follow(renderer.render({ ...given, tabs }, { inputs: { flights } }));
    const [one, other] = await Promise.all([of(here), of(elsewhere)]);
    t.strictSame(other, one);
  });
}

t.test('what is canceled, and what a newer version takes the place of', async (t) => {
  const ways: Readonly<Record<string, (renderer: Renderer, rendering: Rendering) => void>> = {
    canceled: (_, rendering) => {
      rendering.cancel();
    },
    reason: (_, rendering) => {
      rendering.cancel(new RangeError('enough'));
    },
    superseded: (renderer) => {
      void renderer.render(linear(source('newer')));
    },
  };
  for (const [name, end] of Object.entries(ways)) {
    const of = (renderer: Renderer): Promise<object> => {
      const rendering = renderer.render(
        linear(source('done', [name.length]), step('endless', `// ${name}\nfor (;;);`), source('never')),
      );
      return follow(rendering, (event) => {
        if (event.type === 'started' && event.step === 'endless' && event.call === 'render')
          end(renderer, rendering);
      });
    };
    const [one, other] = await Promise.all([of(here), of(elsewhere)]);
    t.strictSame(other, one, name);
  }
});

t.test('what is the caller’s to mend is thrown', (t) => {
  const bad: readonly unknown[] = [
    undefined,
    { id: 'w' },
    { id: '', tabs: [] },
    workflow({ id: 'a', steps: [source('same'), source('same')] }),
    linear({ ...source('one'), schema: { n: { type: 'unknown' } } } as never),
  ];
  const thrownBy = (renderer: Renderer, given: unknown): object => {
    try {
      renderer.render(given as Workflow);
    } catch (error) {
      const { name, code, message } = error as Error & { readonly code?: string };
      return { name, code, message };
    }
    throw new Error('it was taken');
  };
  for (const given of bad) t.strictSame(thrownBy(elsewhere, given), thrownBy(here, given));
  t.end();
});
