/** The threads of a child: each is started when there is work for it, and none of that is lost. */
import { mkdtempSync, readdirSync, rmdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import t, { type Test } from 'tap';
import type { Child, ChildProcess, Zygote, ZygoteOptions } from '../../lib/index.js';
import { eventually } from '../helpers/eventually.js';
import { HostProgram } from '../helpers/host-program.js';
import { NO_POOL, rejection, startZygote, whenWarm, WITH_PROGRAMS } from '../helpers/zygote.js';

const WORKERS = 4;
/** V8's workers, the thread for delayed tasks, and the one that runs JavaScript. */
const ALL = WORKERS + 2;
/** Node 20 has put off a task by some seconds, and so the thread for those waits with a timeout. */
const IDLE = process.version.startsWith('v20.') ? 2 : 1;

/** The smallest module that there is, which V8 compiles in its workers. */
const COMPILE = `const bytes = new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
  const compile = () => WebAssembly.compile(bytes);
  const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));`;

const threadsOf = ({ pid }: Pick<Child | ChildProcess, 'pid'>): number =>
  readdirSync(`/proc/${pid}/task`).length;

async function warmZygote(t: Test, options: ZygoteOptions = {}): Promise<Zygote> {
  const zygote = await startZygote(t, { pool: NO_POOL, ...options });
  await whenWarm(zygote);
  // The one by which it was started has all threads.
  while (zygote.parked > 0) await zygote.run('module.exports = () => 1');
  return zygote;
}

t.test('threads for which there is no work are not there, and all are when there is', async (t) => {
  const zygote = await warmZygote(t, { preload: ['./entries.cjs'] });
  await eventually('a child that only waits has none but its own', async () => {
    const idle = await zygote.spawnProcess({ module: './entries.cjs', export: 'wait' });
    const threads = threadsOf(idle);
    idle.kill();
    await idle.wait();
    return threads === IDLE;
  });
  const busy = await zygote.spawn(
    `${COMPILE} module.exports = async () => { for (;;) await Promise.all(Array.from({ length: 20 }, compile)); }`,
  );
  await eventually('one with work has all workers', () => threadsOf(busy) >= 1 + WORKERS);
  busy.kill();
  await busy.result;
});

t.test('no work waits for a thread that is not there yet', async (t) => {
  const zygote = await warmZygote(t);
  const code = `${COMPILE} module.exports = async ({ params }) => {
    for (let round = 0; round < 5; round++) {
      await Promise.all(Array.from({ length: params }, compile));
      await wait(1);
    }
    return true;
  }`;
  // As few as one after the other, and more than there are threads.
  const counts = Array.from({ length: 60 }, (_, index) => 1 + (index % 12));
  for (let at = 0; at < counts.length; at += 4) {
    const some = counts.slice(at, at + 4);
    const values = await Promise.all(some.map(async (params) => (await zygote.run(code, { params })).value));
    t.strictSame(values, [true, true, true, true]);
  }
});

t.test(
  'a limit of tasks that is too low for all threads is an error at the start, and not a job that waits',
  async (t) => {
    const error = await rejection(startZygote(t, { pool: NO_POOL, sandbox: { limits: { tasks: ALL - 1 } } }));
    t.match(error, { code: 'ERR_SANDBOX_UNAVAILABLE', message: /clone\(CLONE_THREAD\) failed with EAGAIN/ });
  },
);

t.test('what libc has all threads do is not waited for from those that are not there', async (t) => {
  // Or the signals by which it asks them are refused.
  const zygote = await warmZygote(t, { sandbox: { off: ['limits'] } });
  const code = `const { stat } = require('node:fs/promises');
    module.exports = async () => {
      await stat('/'); // libuv's threads get ids that V8's have in the zygote
      process.setuid(1);
    };`;
  const child = await zygote.spawn(code, {}, { timeoutMs: 10_000 });
  t.match(await child.result, { status: 'threw', error: { message: /EPERM/ } });
});

t.test(
  'processes that are as many as may be leave room for the threads that there is work for',
  async (t) => {
    const zygote = await warmZygote(t, { sandbox: { ...WITH_PROGRAMS, limits: { tasks: 10 } } });
    const code = `${COMPILE} const { spawn } = require('node:child_process');
    module.exports = async () => {
      for (let count = 0; count < 10; count++) spawn('/bin/sleep', ['60']).on('error', () => {});
      await Promise.all(Array.from({ length: 20 }, compile));
    };`;
    for (let round = 0; round < 5; round++) {
      const child = await zygote.spawn(code, {}, { timeoutMs: 10_000 });
      t.match(await child.result, { status: 'ok' });
    }
  },
);

t.test('threads that a child starts are not taken for those that it has not started', async (t) => {
  const zygote = await warmZygote(t);
  const code = `const { Worker } = require('node:worker_threads');
    module.exports = async () => {
      const workers = [1, 2].map((n) => new Worker('new Array(1e4).fill(0).map(String)', { eval: true }));
      return Promise.all(workers.map((worker) => new Promise((resolve) => worker.once('exit', resolve))));
    };`;
  // V8 took two threads for one in one child of a hundred: their garbage collections met.
  let left = 150;
  const run = async (): Promise<void> => {
    while (left-- > 0) t.strictSame((await zygote.run(code)).value, [0, 0]);
  };
  await Promise.all(Array.from({ length: 8 }, run));
});

t.test('a process that ends as node does waits for no thread that was never started', async (t) => {
  const zygote = await warmZygote(t, { preload: ['./entries.cjs'] });
  for (const [text, exitCode] of [
    ['process.exit(5)', 5],
    ['process.exitCode = 6', 6],
    ['throw 1', 1],
    ['setTimeout(() => process.exit(7), 1)', 7],
  ] as const) {
    const child = await zygote.spawnProcess(
      { module: './entries.cjs', export: 'evaluate', args: [text] },
      { stderr: 'ignore', timeoutMs: 20_000 },
    );
    t.match(await child.wait(), { exitCode }, text);
  }
});

t.test('where nothing tells who is woken, no work waits either', async (t) => {
  // The zygote goes without the library whose path ld.so(8) would take for two.
  const folder = mkdtempSync('/var/tmp/nodespawner with spaces ');
  t.teardown(() => {
    rmdirSync(folder);
  });
  const root = fileURLToPath(new URL('../../..', import.meta.url));
  const library = pathToFileURL(path.join(folder, 'dist/lib/index.js')).href;
  const host = new HostProgram(
    t,
    `const library = await import(${JSON.stringify(library)});
     const zygote = await library.Zygote.start({ preload: [], pool: { min: 0, max: 0 } });
     while (!zygote.isWarm) await new Promise((resolve) => setTimeout(resolve, 10));
     const child = await zygote.spawn('module.exports = () => new Promise((resolve) => setTimeout(resolve, 60_000))');
     say(child.pid);
     for (let round = 0; round < 10; round++) {
       const { value } = await zygote.run(${JSON.stringify(`${COMPILE} module.exports = async () => (await Promise.all(Array.from({ length: 12 }, compile))).length`)});
       say(value);
     }
     await zygote.close();`,
    {
      through: [
        'unshare',
        '--mount',
        'sh',
        '-c',
        'mount --bind "$0" "$1" && shift && exec "$@"',
        root,
        folder,
      ],
    },
  );
  t.ok(
    threadsOf({ pid: await host.next<number>() }) > IDLE,
    'some are there from the start, so the library is not',
  );
  for (let round = 0; round < 10; round++) t.equal(await host.next(), 12);
  await host.end();
});
