// Workers as processes of the command line: killed, told to end, and looked through for what they know.
import { once } from 'node:events';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import t, { type Test } from 'tap';
import { folderStore } from '../../renderer/index.js';
import { cli, folderOf, startCli, type Started } from '../helpers/cli.js';
import { eventually } from '../helpers/eventually.js';
import { startRedis } from '../helpers/redis-server.js';
import { startS3 } from '../helpers/s3-server.js';
import { linear, startRenderer, step, stepOf, temporaryFolder } from '../helpers/renderer.js';

/** One word after another, so that what looks for them has not got them itself. */
const PASSWORD = ['of-redis', 'and-of-nobody-else'] as const;
const redis = await startRedis(t, PASSWORD.join('-'));
const dir = temporaryFolder(t);
const store = folderStore({ dir });
const queue = { connection: redis.url };
const SECRET = ['of-the-operator', 'and-of-nobody-else'] as const;

/** One that takes steps, with tables in a folder. */
function startWorker(t: Test, ...options: string[]): Promise<Started> {
  return startWorkerOf(t, pathToFileURL(dir).href, {}, options);
}

async function startWorkerOf(
  t: Test,
  where: string,
  variables: Readonly<Record<string, string>>,
  options: readonly string[] = [],
): Promise<Started> {
  const args = ['worker', '--store', where, '--concurrency', '1', '--lock', '1s', ...options];
  const env = { NODESPAWNER_REDIS: redis.url, AWS_SECRET_ACCESS_KEY: SECRET.join(' '), ...variables };
  const started = startCli(args, { env });
  t.teardown(() => started.process.kill('SIGKILL'));
  let said = '';
  started.process.stderr?.on('data', (chunk) => (said += String(chunk)));
  await eventually('it takes steps', () => said.includes('at once'));
  return started;
}

t.test('what a worker was doing that is killed is done by another, once', async (t) => {
  const renderer = await startRenderer(t, { queue, store });
  const first = await startWorker(t, '--timeout', 'none');
  const rendering = renderer.render(linear(step('endless', 'for (;;);')));
  for await (const event of rendering) if (event.type === 'started' && event.call === 'render') break;
  first.process.kill('SIGKILL');
  const second = await startWorker(t, '--timeout', '2s');
  using report = await rendering;
  t.match(stepOf(report, 'endless', 'error').errors, [{ code: 'timedOut' }]);
  second.process.kill('SIGTERM');
  const [code] = (await once(second.process, 'exit')) as [number];
  t.equal(code, 0);
});

t.test('no child finds what its worker was given to keep', async (t) => {
  const renderer = await startRenderer(t, { queue, store });
  await startWorker(t);
  const look = `const fs = require('node:fs');
  const found = [];
  const look = (where, text) => {
    for (const name of ['secret', 'password', 'decoy']) {
      const [first, second] = params[name];
      for (let at = text.indexOf(first); at >= 0; at = text.indexOf(first, at + 1))
        if (text.slice(at + first.length + 1).startsWith(second)) { found.push(name + ' ' + where); break; }
    }
  };
  globalThis.kept = params.decoy.join(' ');
  globalThis.kept.indexOf('x');
  look('env', JSON.stringify(process.env));
  for (const id of ['self', 'thread-self', 1, 2, process.pid, process.ppid])
    for (const name of ['environ', 'cmdline', 'mem', 'maps'])
      try { look('proc', fs.readFileSync('/proc/' + id + '/' + name, 'latin1')); } catch {}
  let heap = '';
  for await (const chunk of require('node:v8').getHeapSnapshot()) heap += chunk;
  look('heap', heap);
  return { table: tableFromArrays({ a: [1] }), value: found };`;
  const params = { secret: [...SECRET], password: [...PASSWORD], decoy: ['of-this', 'step-alone'] };
  using report = await renderer.render(linear(step('look', look, { params })));
  // It does find what is there.
  t.strictSame(stepOf(report, 'look', 'ok').value, ['decoy heap']);
});

t.test('a workflow is submitted and followed by the command line', async (t) => {
  await startWorker(t);
  const folder = folderOf(t, {
    'workflow.json': JSON.stringify({
      tabs: [
        {
          id: 'tab',
          from: 'rows',
          steps: [{ id: 'cut', code: 'export const render = (table) => table.slice(0, 1);' }],
        },
      ],
    }),
    'rows.csv': 'a\n1\n2\n',
  });
  const file = path.join(folder, 'workflow.json');
  const shared = ['--redis', redis.url, '--store', dir];
  const input = ['--input', `rows=${path.join(folder, 'rows.csv')}`];
  const { code, stdout, stderr } = await cli([
    'render',
    file,
    ...input,
    ...shared,
    '-o',
    '-',
    '--format',
    'csv',
    '--priority',
    '3',
  ]);
  t.match({ code, stdout }, { code: 0, stdout: 'a\n1\n' }, stderr);
  const refused = await cli(['render', file, ...shared, '--timeout', '1s']);
  t.equal(refused.code, 2);
  t.match(refused.stderr, /--timeout is for the workers/);
  const connection = new Redis(redis.url, { maxRetriesPerRequest: null });
  const jobs = new Queue('steps', { connection, prefix: 'nodespawner' });
  t.teardown(async () => {
    await jobs.close();
    connection.disconnect();
  });
  const rendered = (await jobs.getJobs()).filter(({ name }) => name === 'workflow');
  t.ok(rendered.some(({ data }) => (data as { priority?: number }).priority === 3));
  for (const args of [
    ['--priority', '3'],
    [...shared, '--priority', '2097152'],
    [...shared, '--priority', '-1'],
  ]) {
    const wrong = await cli(['render', file, ...args]);
    t.match({ code: wrong.code, stderr: wrong.stderr }, { code: 2, stderr: /--priority/ });
  }
});

t.test('a worker and the command line share a bucket, and nothing else', async (t) => {
  const s3 = await startS3(t);
  const bucket = s3.url('lake');
  await startWorkerOf(t, bucket, s3.env, ['--prefix', 'with-a-bucket']);
  const folder = folderOf(t, {
    'workflow.yaml': `tabs:
  - id: tab
    from: rows
    steps:
      - id: cut
        code: 'export const render = (table) => table.slice(0, 1);'
      - id: same
        code: 'export const render = (table) => table;'
`,
    'rows.csv': 'a\n1\n2\n',
  });
  const render = (...more: string[]) =>
    cli(
      [
        ...['render', path.join(folder, 'workflow.yaml'), '--input', `rows=${path.join(folder, 'rows.csv')}`],
        ...['--store', bucket, '--prefix', 'with-a-bucket', '-o', '-', '--format', 'csv', ...more],
      ],
      { env: { NODESPAWNER_REDIS: redis.url, ...s3.env } },
    );
  const { code, stdout, stderr } = await render();
  t.match({ code, stdout }, { code: 0, stdout: 'a\n1\n' }, stderr);
  const put = s3.seen.filter(({ method, key }) => method === 'PUT' && key.includes('lake/tables/'));
  // What was given, and what the first step made of it; the second made nothing new.
  t.equal(new Set(put.map(({ key }) => key)).size, 2);
  const again = await render('--tenant', 'another');
  t.match({ code: again.code, stdout: again.stdout }, { code: 0, stdout: 'a\n1\n' }, again.stderr);
});
