// Tenants take turns, and have limits, however much each of them wants.
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import t from 'tap';
import { RendererWorker, type Renderer, type Rendering } from '../../renderer/index.js';
import { HEAD_START, Turns } from '../../renderer/workers/turns.js';
import { eventually } from '../helpers/eventually.js';
import { MemoryStore } from '../helpers/memory-store.js';
import { startRedis } from '../helpers/redis-server.js';
import { source, startRenderer } from '../helpers/renderer.js';

const redis = await startRedis(t);
const store = new MemoryStore();
const connection = new Redis(redis.url, { maxRetriesPerRequest: null });
t.teardown(() => {
  connection.disconnect();
});

const workflowOf = (id: string, index: number) => ({
  id,
  tabs: [{ id: 'tab', steps: [source('one', [index])] }],
});

t.test('one who comes late with little is not behind all that another one wants', async (t) => {
  const queue = { connection: redis.url, prefix: 'turns' };
  const greedy = await startRenderer(t, { queue: { ...queue, tenant: 'greedy' }, store });
  const modest = await startRenderer(t, { queue: { ...queue, tenant: 'modest' }, store });
  const order: string[] = [];
  const follow = async (name: string, rendering: Rendering): Promise<void> => {
    for await (const event of rendering) if (event.type === 'done') order.push(name);
    (await rendering)[Symbol.dispose]();
  };
  const all: Promise<void>[] = [];
  const jobs = new Queue('steps', { connection, prefix: queue.prefix });
  for (let n = 0; n < 40; n++) all.push(follow('greedy', greedy.render(workflowOf(`greedy-${n}`, n))));
  await eventually(
    'all of the first are in the queue',
    async () => (await jobs.getPrioritizedCount()) === 40,
  );
  for (let n = 0; n < 4; n++) all.push(follow('modest', modest.render(workflowOf(`modest-${n}`, 100 + n))));
  await eventually('all are in the queue', async () => (await jobs.getPrioritizedCount()) === 44);
  await jobs.close();
  const worker = await RendererWorker.start({ queue, store, concurrency: 1 });
  t.teardown(() => worker.close({ drainMs: 0 }));
  await Promise.all(all);
  t.equal(order.length, 44);
  // Turn about: each of its four is behind as many of the other's.
  t.ok(order.lastIndexOf('modest') <= 9, order.join(' '));
});

t.test(
  'no more steps of a tenant are begun in a time than it may, and those of others are not held up',
  async (t) => {
    const queue = { connection: redis.url, prefix: 'limit' };
    const limited = await startRenderer(t, { queue: { ...queue, tenant: 'limited' }, store });
    const other = await startRenderer(t, { queue: { ...queue, tenant: 'other' }, store });
    // For as long as this test takes, however slow the machine is.
    const options = { queue, store, concurrency: 2, tenantLimit: { steps: 2, perMs: 3_600_000 } };
    const worker = await RendererWorker.start(options);
    t.teardown(() => worker.close({ drainMs: 0 }));
    const renderings = [0, 1, 2, 3].map((n) => limited.render(workflowOf(`limited-${n}`, n)));
    const done: string[] = [];
    const watched = renderings.map(async (rendering) => {
      for await (const event of rendering)
        if (event.type === 'done' && event.report.status === 'ok') done.push(rendering.workflow);
    });
    await eventually('two are done', () => done.length === 2);
    using report = await other.render(workflowOf('other', 5));
    t.equal(report.status, 'ok');
    const job = await other.validate('exports.render = () => 1;');
    t.ok(job.ok);
    for (const rendering of renderings) rendering.cancel();
    await Promise.all(watched);
    t.equal(done.length, 2);
  },
);

t.test(
  'of what one tenant wants, the most urgent goes first, and others get what they would have got',
  async (t) => {
    const queue = { connection: redis.url, prefix: 'priorities' };
    const one = await startRenderer(t, { queue: { ...queue, tenant: 'one' }, store });
    const other = await startRenderer(t, { queue: { ...queue, tenant: 'other' }, store });
    const jobs = new Queue('steps', { connection, prefix: queue.prefix });
    t.teardown(() => jobs.close());
    const renderings: Rendering[] = [];
    const put = async (renderer: Renderer, id: string, priority: number, steps = 1): Promise<void> => {
      const n = 200 + 10 * renderings.length;
      const all = Array.from({ length: steps }, (_, index) => source(`${index}`, [n + index]));
      renderings.push(renderer.render({ id, tabs: [{ id: 'tab', steps: all }] }, { priority }));
      await eventually(
        `${id} is in the queue`,
        async () => (await jobs.getPrioritizedCount()) === renderings.length,
      );
    };
    for (let index = 0; index < 4; index++) await put(one, `low-${index}`, 5);
    // Whatever they say of themselves.
    for (let index = 0; index < 3; index++) await put(other, `other-${index}`, 2_097_151);
    await put(one, 'high', 0, 2);
    await put(one, 'middle', 1);
    const order: string[] = [];
    const log = (fields: object): void => {
      const { event, call, workflow, step } = fields as Readonly<Record<string, string>>;
      if (event === 'call' && call === 'render') order.push(`${workflow}.${step}`);
    };
    const logger = { debug: log, info: log, warn: log, error: log };
    const worker = await RendererWorker.start({ queue, store, concurrency: 1, logger });
    t.teardown(() => worker.close({ drainMs: 0 }));
    for (const report of await Promise.all(renderings)) report[Symbol.dispose]();
    const turns = [
      ...['high.0', 'other-0.0', 'high.1', 'other-1.0', 'middle.0', 'other-2.0'],
      ...['low-0.0', 'low-1.0', 'low-2.0', 'low-3.0'],
    ];
    t.strictSame(order, turns);
    t.equal(await connection.zcard('priorities:-:waiting:one'), 0, 'and nothing of it is left');
  },
);

t.test('the least urgent is passed by a thousand that come later for each level, and no more', async (t) => {
  const turns = new Turns(connection, 'levels');
  const take = async (tenant: string, priority: number) => {
    const { slots, overtakes } = await turns.take(tenant, 1, priority);
    return { turn: slots[0]?.turn, rank: slots[0]?.rank ?? NaN, overtakes };
  };
  await turns.take('one', 4_999, 2);
  const patient = await take('one', 2);
  t.match(patient, { turn: 5_000, overtakes: false });
  t.match(await take('one', 0), { turn: 5_001, overtakes: true });
  await turns.began(2_000);
  const last = await take('one', 0);
  t.match(last, { turn: 5_002, overtakes: true });
  await turns.began(2_001);
  // What is tried again has begun earlier.
  await turns.began(7);
  const behind = await take('one', 0);
  t.match(behind, { turn: 5_003, overtakes: false });
  t.strictSame(
    [last, patient, behind].map(({ rank }) => rank),
    [last, patient, behind].map(({ rank }) => rank).sort((a, b) => a - b),
  );
  t.match(await take('other', 0), { turn: 2_001 - HEAD_START, overtakes: false });
});

t.test(
  'a tenant that comes back with little goes first, and one with much takes turns after that',
  async (t) => {
    const turns = new Turns(connection, 'comes-back');
    const take = async (tenant: string, count: number) =>
      (await turns.take(tenant, count, 0)).slots.map(({ turn }) => turn);
    await take('greedy', 1_000);
    await turns.began(100);
    const [first, ...more] = await take('modest', 36);
    t.equal(first, 84);
    t.equal(more.filter((turn) => turn <= 100).length, 16, 'before all that the other one waits for');
    t.equal(more.at(-1), 119, 'and then for every other turn');
    // What it has had counts.
    t.strictSame(await take('modest', 1), [120]);
  },
);
