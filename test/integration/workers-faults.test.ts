// What is not a step's fault: it is tried again, a few times, and then told as such. What is a step's fault never is.
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import t, { type Test } from 'tap';
import { Renderer, RendererWorker, StoreError, type WorkerOptions } from '../../renderer/index.js';
import { eventually } from '../helpers/eventually.js';
import { MemoryStore } from '../helpers/memory-store.js';
import { startRedis } from '../helpers/redis-server.js';
import { linear, source, startRenderer, statuses, step, stepOf } from '../helpers/renderer.js';

const redis = await startRedis(t);
let prefixes = 0;

/** A client and a worker with a queue and a store of their own. */
async function lab(t: Test, options: Partial<WorkerOptions> = {}) {
  const store = new MemoryStore();
  const queue = { connection: redis.url, prefix: `test-${++prefixes}` };
  const renderer = await startRenderer(t, { queue, store });
  const startWorker = async (more: Partial<WorkerOptions> = {}): Promise<RendererWorker> => {
    const worker = await RendererWorker.start({ queue, store, concurrency: 1, ...options, ...more });
    t.teardown(() => worker.close({ drainMs: 0 }));
    return worker;
  };
  const connection = new Redis(redis.url, { maxRetriesPerRequest: null });
  const jobs = new Queue('steps', { connection, prefix: queue.prefix });
  t.teardown(async () => {
    await jobs.close();
    connection.disconnect();
  });
  return { store, queue, renderer, startWorker, jobs, connection };
}

/** Whoever waits for a step hears of it a little before its job is over. */
const completedSteps = (jobs: Queue) =>
  eventually('a step is over', async () => {
    const steps = (await jobs.getCompleted()).filter(({ name }) => name === 'step');
    return steps.length > 0 && steps;
  });

const unavailable = (key: string): StoreError => new StoreError('ERR_STORE_UNAVAILABLE', 'memory:', key);

t.test('a step is tried again when the store was away, and nothing is left of the failure', async (t) => {
  const { store, renderer, startWorker } = await lab(t);
  let failures = 2;
  store.onCall = (method, key) => {
    if (method === 'put' && failures-- > 0) throw unavailable(key);
  };
  await startWorker();
  using report = await renderer.render(linear(source('one'), source('two')));
  t.strictSame(statuses(report), { one: 'ok', two: 'ok' });
  t.ok(failures <= 0);
});

t.test('a step whose result can never be kept is tried for a while, and is internal then', async (t) => {
  const { store, renderer, startWorker, jobs } = await lab(t);
  store.onCall = (method, key) => {
    if (method === 'put' && key.startsWith('tables/')) throw unavailable(key);
  };
  const worker = await startWorker({ retryMs: 1_000 });
  using report = await renderer.render(linear(source('one'), source('two')));
  t.strictSame(statuses(report), { one: 'error', two: 'unreachable' });
  t.match(stepOf(report, 'one', 'error').errors, [{ code: 'internal' }]);
  t.equal(worker.stats.steps.failed, 1);
  const [job] = await completedSteps(jobs);
  t.ok((job?.attemptsMade ?? 0) > 1);
});

t.test('what users get wrong is done at the first attempt', async (t) => {
  const { renderer, startWorker, jobs } = await lab(t, { limits: { timeoutMs: 2_000 } });
  await startWorker();
  using report = await renderer.render(linear(step('endless', 'for (;;);')));
  t.match(stepOf(report, 'endless', 'error').errors, [{ code: 'timedOut' }]);
  const steps = await completedSteps(jobs);
  t.strictSame(
    steps.map(({ attemptsMade, attemptsStarted }) => [attemptsMade, attemptsStarted]),
    [[1, 1]],
  );
});

t.test('jobs that nobody of ours has written are refused with an error, and others are done', async (t) => {
  const { renderer, startWorker, jobs } = await lab(t);
  const deep = Buffer.from('ff'.repeat(1000), 'hex').toString('base64');
  const hash = 'a'.repeat(64);
  const bad: [name: string, data: unknown][] = [
    ['step', null],
    ['step', 5],
    ['step', {}],
    ['step', { v: 2, tenant: 't', of: 'nobody', index: 0, rank: 0, inputs: {} }],
    ['step', { v: 2, tenant: 't', of: 'w-1', index: -1, rank: 0, inputs: {} }],
    [
      'step',
      { v: 2, tenant: 't', of: 'w-1', index: 0, rank: 0, inputs: { a: { hash: '../etc', byteLength: 1 } } },
    ],
    ['step', { v: 1, tenant: 't', of: 'w-1', index: 0, rank: 0, inputs: {} }],
    ['workflow', { v: 2, tenant: 't', workflow: 'w', inputs: {}, refetch: false, priority: 0, source: deep }],
    [
      'workflow',
      { v: 2, tenant: 't', workflow: 'w', inputs: { a: { hash, byteLength: 'x' } }, refetch: 1, source: '' },
    ],
    ['step', { v: 2, tenant: 't', of: 'w-1', index: 0, rank: '0', inputs: {} }],
    ['workflow', []],
    ['validate', { v: 2, tenant: 't', filename: 'a', source: deep }],
    ['another', {}],
  ];
  for (const [index, [name, data]] of bad.entries())
    await jobs.add(name, data, { jobId: `bad-${index}`, attempts: 5 });
  await startWorker();
  await eventually('all are refused', async () => (await jobs.getFailedCount()) === bad.length);
  for (const job of await jobs.getFailed())
    t.match(job.failedReason, /can't be used/, `${job.name} ${job.id ?? ''}`);
  using report = await renderer.render(linear(source('one')));
  t.equal(report.status, 'ok');
});

t.test('a worker that is closed gives back what it could not finish, and another one takes it', async (t) => {
  const { renderer, startWorker } = await lab(t);
  const first = await startWorker({ limits: { timeoutMs: Infinity } });
  const rendering = renderer.render(linear(step('endless', 'for (;;);')));
  for await (const event of rendering) if (event.type === 'started' && event.call === 'render') break;
  await first.close({ drainMs: 0 });
  t.match(first.stats.steps, { givenBack: 1, ok: 0, error: 0, canceled: 0 });
  const second = await startWorker({ limits: { timeoutMs: 2_000 } });
  using report = await rendering;
  t.match(stepOf(report, 'endless', 'error').errors, [{ code: 'timedOut' }]);
  t.match(second.stats.steps, { error: 1 });
});

t.test('a worker that is closed finishes what it has begun within its time', async (t) => {
  const { renderer, startWorker } = await lab(t);
  const worker = await startWorker();
  const rendering = renderer.render(
    linear(
      step(
        'long',
        'const end = Date.now() + 500; while (Date.now() < end); return tableFromArrays({ a: [1] });',
      ),
    ),
  );
  for await (const event of rendering) if (event.type === 'started' && event.call === 'render') break;
  await worker.close();
  t.match(worker.stats.steps, { givenBack: 0, ok: 1 });
  // Nobody is there who could collect the workflow; whoever waits for its steps has heard of all.
  using report = await rendering;
  t.equal(report.status, 'ok');
});

t.test('schemas that are code are refused, and those that are data are checked by the worker', async (t) => {
  const { renderer, startWorker } = await lab(t);
  await startWorker();
  const schema = {
    '~standard': { version: 1, vendor: 'test', validate: (value: unknown) => ({ value }) },
  } as never;
  t.throws(() => renderer.render(linear(step('one', 'return table;', { schema }))), {
    code: 'ERR_INVALID_OPTION',
    option: /step one: schema/,
  });
  using report = await renderer.render(
    linear(step('one', 'return table;', { schema: { rows: { type: 'integer' } }, params: { rows: 'x' } })),
  );
  t.match(stepOf(report, 'one', 'error').errors, [{ code: 'badParams', path: 'rows' }]);
});

t.test('options of children are for workers, and a queue needs a store', async (t) => {
  const store = new MemoryStore();
  const queue = { connection: redis.url };
  await t.rejects(Renderer.start({ queue, store, limits: {} }), {
    code: 'ERR_INVALID_OPTION',
    option: 'options.limits',
  });
  await t.rejects(Renderer.start({ queue }), { code: 'ERR_INVALID_OPTION', option: 'options.store' });
  await t.rejects(Renderer.start({ queue: { connection: 'http://x' }, store }), {
    code: 'ERR_INVALID_OPTION',
    option: 'options.queue.connection',
  });
});

t.test('what a step said is read again by the client when the store was away', async (t) => {
  const { store, renderer, startWorker } = await lab(t);
  let failures = 2;
  store.onCall = (method, key) => {
    if (method === 'get' && key.startsWith('reports/') && failures-- > 0) throw unavailable(key);
  };
  await startWorker();
  const code = `console.log('x'.repeat(20_000)); return tableFromArrays({ a: [1] });`;
  using report = await renderer.render(linear(step('one', code)));
  t.equal(stepOf(report, 'one', 'ok').stdout.length, 20_001);
  t.ok(failures < 0);
});

t.test('a client says that the queue is not there', async (t) => {
  const options = { queue: { connection: 'redis://127.0.0.1:1' }, store: new MemoryStore() };
  await t.rejects(Renderer.start(options), { code: 'ERR_QUEUE_UNAVAILABLE' });
  await t.rejects(RendererWorker.start(options), { code: 'ERR_QUEUE_UNAVAILABLE' });
});

t.test('a step whose workers have vanished too often is given up', async (t) => {
  const { renderer, startWorker, jobs, connection } = await lab(t);
  const rendering = renderer.render(linear(source('one')));
  const [job] = await eventually('it waits', async () => {
    const waiting = await jobs.getPrioritized();
    return waiting.length > 0 && waiting;
  });
  await connection.hset(jobs.toKey(job?.id ?? ''), { stc: 4 });
  await startWorker();
  using report = await rendering;
  t.match(stepOf(report, 'one', 'error').errors, [{ code: 'internal' }]);
});

t.test('a step is not given up whose worker has lost the lock and lives', async (t) => {
  const { renderer, startWorker, jobs, connection } = await lab(t, {
    lockMs: 1_000,
    limits: { timeoutMs: Infinity },
  });
  await startWorker();
  const rendering = renderer.render(linear(step('endless', 'for (;;);')));
  const stalled = (times: number, isSo: (lock: string) => Promise<number>) =>
    eventually(`the step is run after ${times} losses`, async () => {
      const [job] = (await jobs.getActive()).filter(({ name }) => name === 'step');
      if (job === undefined || job.stalledCounter < times) return false;
      return (await isSo(`${jobs.toKey(job.id ?? '')}:lock`)) === 1;
    });
  for (let times = 0; times < 5; times++) await stalled(times, (lock) => connection.del(lock));
  await stalled(5, (lock) => connection.exists(lock));
  rendering.cancel();
  using report = await rendering;
  t.equal(report.status, 'canceled');
});

t.test('a workflow outlives its Redis, which is killed and started again', async (t) => {
  const { renderer, startWorker } = await lab(t, { lockMs: 2_000 });
  await startWorker();
  const steps = [0, 1, 2, 3].map((n) => source(`step-${n}`, [n]));
  const rendering = renderer.render(linear(...steps));
  for await (const event of rendering) if (event.type === 'started' && event.step === 'step-1') break;
  await redis.stop('SIGKILL');
  await redis.start();
  using report = await rendering;
  t.strictSame(statuses(report), { 'step-0': 'ok', 'step-1': 'ok', 'step-2': 'ok', 'step-3': 'ok' });
});

/** As if Redis had forgotten the only step that waits, which the workflow is not waiting for then. */
async function lose(jobs: Queue, connection: Redis): Promise<void> {
  const [job] = await eventually('it waits for its turn', async () => {
    const waiting = await jobs.getPrioritized();
    return waiting.length === 1 && waiting;
  });
  const { id = '', parent, parentKey = '' } = job ?? {};
  await connection
    .multi()
    .del(jobs.toKey(id))
    .zrem(jobs.toKey('prioritized'), id)
    .del(`${parentKey}:dependencies`)
    .zrem(jobs.toKey('waiting-children'), parent?.id ?? '')
    .lpush(jobs.toKey('wait'), parent?.id ?? '')
    .exec();
}

t.test('steps that Redis has acknowledged and lost are put there again', async (t) => {
  const { renderer, startWorker, jobs, connection } = await lab(t);
  const rendering = renderer.render(linear(source('lost', [1]), source('next', [2])));
  await lose(jobs, connection);
  await startWorker();
  using report = await rendering;
  t.strictSame(statuses(report), { lost: 'ok', next: 'ok' });
});

t.test('steps that get lost and can not be put there again in time are internal', async (t) => {
  const { renderer, startWorker, jobs, connection } = await lab(t, { retryMs: 0 });
  const rendering = renderer.render(linear(source('lost')));
  await lose(jobs, connection);
  await startWorker();
  using report = await rendering;
  t.match(stepOf(report, 'lost', 'error').errors, [{ code: 'internal' }]);
});

t.test('a table that is gone from the store is made anew by the step that it is of', async (t) => {
  const { store, renderer, startWorker } = await lab(t, { maxMemoryBytes: 0 });
  let expired = 0;
  store.onCall = (method, key) => {
    if (method !== 'get' || !key.startsWith('tables/') || expired > 0) return;
    for (const each of store.objects.keys())
      if (each.startsWith('tables/')) expired += Number(store.objects.delete(each));
  };
  await startWorker();
  const grow = (id: string) =>
    step(id, 'return { table: tableFromArrays({ a: [...table.getChild("a"), 0] }), value: table.numRows };');
  using report = await renderer.render(linear(source('one', [1, 2]), grow('two'), grow('three')));
  t.ok(expired > 0);
  t.strictSame(statuses(report), { one: 'ok', two: 'ok', three: 'ok' });
  t.strictSame(
    ['two', 'three'].map((id) => stepOf(report, id, 'ok').value),
    [2, 3],
  );
  t.equal((await stepOf(report, 'three', 'ok').table.read()).numRows, 4);
});

t.test('a table that is made anew and comes out as another is not taken for it', async (t) => {
  const { store, renderer, startWorker } = await lab(t, { maxMemoryBytes: 0, retryMs: 0 });
  store.onCall = (method, key) => {
    if (method === 'get' && key.startsWith('tables/')) store.objects.delete(key);
  };
  await startWorker();
  const code = 'return tableFromArrays({ a: [process.hrtime.bigint() % 1000000007n] });';
  using report = await renderer.render(linear(step('one', code), step('two', 'return table;')));
  t.match(stepOf(report, 'two', 'error').errors, [{ code: 'internal' }]);
});

t.test('a client whose Redis has gone can be closed', async (t) => {
  const gone = await startRedis(t);
  const renderer = await Renderer.start({ queue: { connection: gone.url }, store: new MemoryStore() });
  await gone.stop('SIGKILL');
  await renderer.close();
  t.throws(() => renderer.render(linear(source('one'))), { code: 'ERR_RENDERER_CLOSED' });
});
