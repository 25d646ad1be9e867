// Tenants take turns, and have limits, however much each of them wants.
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import t from 'tap';
import { RendererWorker, type Rendering } from '../../renderer/index.js';
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
