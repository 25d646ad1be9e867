// A usual dashboard of BullMQ reads the queue: its states, its jobs, and a workflow with its steps.
import { createBullBoard } from '@bull-board/api';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import t from 'tap';
import { RendererWorker } from '../../renderer/index.js';
import { eventually } from '../helpers/eventually.js';
import { MemoryStore } from '../helpers/memory-store.js';
import { startRedis } from '../helpers/redis-server.js';
import { linear, source, startRenderer, step } from '../helpers/renderer.js';

interface Route {
  readonly route: string | readonly string[];
  readonly method: string | readonly string[];
  readonly handler: (request: object) => Promise<{ readonly status?: number; readonly body: object }>;
}

/** What would serve them over HTTP: here they are called. */
function boardOf(queue: Queue): (route: string, params?: object) => Promise<object> {
  let routes: readonly Route[] = [];
  let queues: unknown;
  const adapter: Record<string, (...given: unknown[]) => unknown> = {
    setApiRoutes: (given) => {
      routes = given as readonly Route[];
      return adapter;
    },
    setQueues: (given) => {
      queues = given;
      return adapter;
    },
  };
  for (const name of ['setViewsPath', 'setStaticPath', 'setEntryRoute', 'setErrorHandler', 'setUIConfig'])
    adapter[name] = () => adapter;
  createBullBoard({ queues: [new BullMQAdapter(queue)], serverAdapter: adapter as never });
  return async (route, params = {}) => {
    const found = routes.find((each) => [each.route].flat().includes(route));
    if (found === undefined) throw new Error(`the dashboard has no ${route}`);
    const { status = 200, body } = await found.handler({ queues, query: {}, body: {}, headers: {}, params });
    if (status !== 200) throw new Error(`${route}: ${status} ${JSON.stringify(body)}`);
    return body;
  };
}

t.test('a dashboard finds workflows, their steps, and what became of them', async (t) => {
  const redis = await startRedis(t);
  const store = new MemoryStore();
  const options = { queue: { connection: redis.url }, store };
  const worker = await RendererWorker.start({ ...options, concurrency: 1 });
  t.teardown(() => worker.close({ drainMs: 0 }));
  const renderer = await startRenderer(t, options);
  using report = await renderer.render(linear(source('one'), step('bad', 'throw new Error("of mine");')));
  t.equal(report.status, 'error');
  const connection = new Redis(redis.url, { maxRetriesPerRequest: null });
  const queue = new Queue('steps', { connection, prefix: 'nodespawner' });
  t.teardown(async () => {
    await queue.close();
    connection.disconnect();
  });
  await eventually('its jobs are over', async () => (await queue.getCompletedCount()) === 3);
  const ask = boardOf(queue);
  t.match(await ask('/api/queues'), {
    queues: [{ name: 'steps', type: 'bullmq', counts: { completed: 3, failed: 0, active: 0 } }],
  });
  const jobs = await queue.getCompleted();
  const collected = jobs.find(({ name }) => name === 'workflow');
  const failing = jobs.find(({ data }) => (data as { step?: string }).step === 'bad');
  const jobOf = (jobId: string | undefined) =>
    ask('/api/queues/:queueName/:jobId', { queueName: 'steps', jobId });
  t.match(await jobOf(collected?.id), {
    job: {
      name: 'workflow',
      returnValue: {
        workflow: 'workflow',
        status: 'error',
        steps: [
          { step: 'one', status: 'ok' },
          { step: 'bad', status: 'error' },
        ],
      },
    },
  });
  t.match(await jobOf(failing?.id), {
    job: { name: 'step', isFailed: false, returnValue: { status: 'error' } },
  });
  const flow = JSON.stringify(
    await ask('/api/queues/:queueName/:jobId/flow', { queueName: 'steps', jobId: collected?.id }),
  );
  for (const { id } of jobs) t.ok(flow.includes(JSON.stringify(id)), `the flow has ${id ?? ''}`);
});
