// What a worker says of itself to those who operate it, over HTTP.
import { once } from 'node:events';
import { pathToFileURL } from 'node:url';
import t from 'tap';
import { folderStore } from '../../renderer/index.js';
import { startCli } from '../helpers/cli.js';
import { eventually } from '../helpers/eventually.js';
import { startRedis } from '../helpers/redis-server.js';
import { linear, source, startRenderer, step, temporaryFolder } from '../helpers/renderer.js';
import { freePort } from '../helpers/server-process.js';

t.test('its health, what it did and its metrics can be asked for, and its end is seen', async (t) => {
  const redis = await startRedis(t);
  const dir = temporaryFolder(t);
  const port = await freePort();
  const args = ['worker', '--store', pathToFileURL(dir).href, '--concurrency', '1', '--listen', String(port)];
  const started = startCli(args, { env: { NODESPAWNER_REDIS: redis.url } });
  t.teardown(() => started.process.kill('SIGKILL'));
  const ask = async (path: string, method = 'GET') => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, { method });
    return { status: answer.status, text: await answer.text() };
  };
  await eventually('it takes steps', async () => {
    const ready = await ask('/readyz').catch(() => undefined);
    return ready?.status === 200;
  });
  const renderer = await startRenderer(t, {
    queue: { connection: redis.url },
    store: folderStore({ dir }),
  });
  using report = await renderer.render(
    linear(source('one', [1, 2, 3]), step('bad', 'throw new Error("of mine");')),
  );
  t.equal(report.status, 'error');
  t.match(await ask('/healthz'), { status: 200, text: 'ok\n' });
  t.equal((await ask('/healthz', 'POST')).status, 405);
  t.equal((await ask('/elsewhere')).status, 404);
  const stats = JSON.parse((await ask('/stats')).text) as {
    steps: object;
    transferred: { uploadedBytes: number; downloadedBytes: number };
  };
  t.match(stats.steps, { ok: 1, error: 1, failed: 0 });
  // It has made the table that it needed itself.
  t.ok(stats.transferred.uploadedBytes > 0);
  t.equal(stats.transferred.downloadedBytes, 0);
  const metrics = await eventually('its jobs are over', async () => {
    const { text } = await ask('/metrics');
    return /^nodespawner_queue_jobs\{state="completed".*\} 3( |$)/m.test(text) && text;
  });
  t.match(metrics, /^nodespawner_queue_jobs\{state="prioritized".*\} 0( |$)/m);
  t.match(metrics, /^nodespawner_queue_jobs\{state="active".*\} 0( |$)/m);
  t.match(metrics, /^nodespawner_steps_total\{status="ok".*\} 1( |$)/m);
  t.match(
    metrics,
    new RegExp(
      `^nodespawner_tables_transferred\\{way="up".*\\} ${stats.transferred.uploadedBytes}( |$)`,
      'm',
    ),
  );
  // It lives without its queue, and takes nothing.
  await redis.stop('SIGKILL');
  await eventually('it is not ready', async () => (await ask('/readyz')).status === 503);
  t.equal((await ask('/healthz')).status, 200);
  await redis.start();
  await eventually('it is ready again', async () => (await ask('/readyz')).status === 200);
  started.process.kill('SIGTERM');
  const [code] = (await once(started.process, 'exit')) as [number];
  t.equal(code, 0);
  await t.rejects(ask('/healthz'));
});
