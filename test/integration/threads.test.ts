/** The threads of a child: V8's workers are started one after another, when there is work for them, and none is lost. */
import { readdirSync } from 'node:fs';
import t, { type Test } from 'tap';
import type { Child, ChildProcess, Zygote, ZygoteOptions } from '../../lib/index.js';
import { eventually } from '../helpers/eventually.js';
import { NO_POOL, rejection, startZygote, whenWarm, WITH_PROGRAMS } from '../helpers/zygote.js';

/** V8's four workers, the thread for delayed tasks, and the one that runs JavaScript. */
const ALL = 6;

/** The smallest module that there is, which V8 compiles in its workers. */
const COMPILE = `const bytes = new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
  const compile = () => WebAssembly.compile(bytes);
  const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));`;

const threadsOf = ({ pid }: Child | ChildProcess): number => readdirSync(`/proc/${pid}/task`).length;

async function warmZygote(t: Test, options: ZygoteOptions = {}): Promise<Zygote> {
  const zygote = await startZygote(t, { pool: NO_POOL, ...options });
  await whenWarm(zygote);
  return zygote;
}

t.test('threads for which there is no work are not there, and all are when there is', async (t) => {
  const zygote = await warmZygote(t, { preload: ['./entries.cjs'] });
  await eventually('a child that only waits has few threads', async () => {
    const idle = await zygote.spawnProcess({ module: './entries.cjs', export: 'wait' });
    const threads = threadsOf(idle);
    idle.kill();
    await idle.wait();
    return threads < ALL;
  });
  const busy = await zygote.spawn(
    `${COMPILE} module.exports = async () => { for (;;) await Promise.all(Array.from({ length: 20 }, compile)); }`,
  );
  await eventually('one with work has all', () => threadsOf(busy) === ALL);
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

t.test('a process that ends by itself waits for no thread that was never started', async (t) => {
  const zygote = await warmZygote(t, { preload: ['./entries.cjs'] });
  const child = await zygote.spawnProcess({ module: './entries.cjs', export: 'say', args: ['x'] });
  t.match(await child.wait(), { exitCode: 0 });
});
