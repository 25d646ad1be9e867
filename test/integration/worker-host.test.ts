// The host may be a worker thread: it has zygotes of its own, which end with it.
import { once } from 'node:events';
import { execFileSync } from 'node:child_process';
import { Worker } from 'node:worker_threads';
import t, { type Test } from 'tap';
import { eventually } from '../helpers/eventually.js';
import { HostProgram } from '../helpers/host-program.js';
import { markedProcesses } from '../helpers/processes.js';
import { MARK, newMark, startZygote } from '../helpers/zygote.js';

const LIBRARY = new URL('../../lib/index.js', import.meta.url).href;

function prelude(mark: string): string {
  return `
    import { Zygote } from ${JSON.stringify(LIBRARY)};
    import { parentPort } from 'node:worker_threads';
    const zygote = await Zygote.start({ preload: [], env: { ${MARK}: ${JSON.stringify(mark)} } });
    const say = (value) => parentPort.postMessage(value);`;
}

interface ThreadWithZygote {
  readonly worker: Worker;
  /** Of the processes of its zygote. */
  readonly mark: string;
  /** The first thing that it says. */
  readonly said: Promise<unknown>;
  readonly exitCode: Promise<number>;
}

/** It is terminated when the test ends. */
function startThread(t: Test, source: string): ThreadWithZygote {
  const mark = newMark();
  const url = new URL(`data:text/javascript,${encodeURIComponent(prelude(mark) + source)}`);
  const worker = new Worker(url);
  t.teardown(() => worker.terminate());
  const exitCode = (once(worker, 'exit') as Promise<[number]>).then(([code]) => code);
  const said = (once(worker, 'message') as Promise<[unknown]>).then(([value]) => value);
  return { worker, mark, said, exitCode };
}

const CODE = `module.exports = async ({ params }) => {
  console.log('x');
  await new Promise((resolve) => setTimeout(resolve, 1));
  return params + 1;
}`;
const QUOTED = JSON.stringify(CODE);

t.test('several threads and the main one each have a zygote, at once', async (t) => {
  const zygote = await startZygote(t);
  const threads = [0, 1, 2].map(() =>
    startThread(
      t,
      `const values = await Promise.all(Array.from({ length: 20 }, (_, i) =>
         zygote.run(${QUOTED}, { params: i }, { stdout: 'capture' })));
       say(values.map(({ value, stdout }) => value + stdout.text).join(''));
       await zygote.close();`,
    ),
  );
  const own = Promise.all(Array.from({ length: 20 }, (_, i) => zygote.run(CODE, { params: i })));
  const expected = Array.from({ length: 20 }, (_, i) => `${i + 1}x\n`).join('');
  for (const { said, exitCode, mark } of threads) {
    t.equal(await said, expected);
    t.equal(await exitCode, 0);
    t.strictSame(markedProcesses(mark), [], 'closed');
  }
  t.strictSame(
    (await own).map(({ value }) => value),
    Array.from({ length: 20 }, (_, i) => i + 1),
  );
});

t.test('a thread that is terminated takes its zygote and all children with it', async (t) => {
  const zygote = await startZygote(t);
  for (let round = 0; round < 3; round++) {
    const { worker, mark, said } = startThread(
      t,
      `for (let i = 0; i < 3; i++) void zygote.run('for (;;);').catch(() => {});
       const child = await zygote.spawn('console.log(1); for (;;);');
       child.stdout.once('data', () => say('running'));`,
    );
    t.equal(await said, 'running');
    t.ok(markedProcesses(mark).length > 5);
    await worker.terminate();
    await eventually('all are gone', () => markedProcesses(mark).length === 0);
  }
  t.equal((await zygote.run('module.exports = () => 1')).value, 1, 'and no other');
});

t.test('an idle zygote lets its thread end, and ends with it', async (t) => {
  const { said, exitCode, mark } = startThread(t, `say((await zygote.run(${QUOTED}, { params: 1 })).value);`);
  t.equal(await said, 2);
  t.equal(await exitCode, 0);
  await eventually('all are gone', () => markedProcesses(mark).length === 0);
});

t.test('a host in whose thread a zygote runs ends in the orderly way', async (t) => {
  const mark = newMark();
  const source = `
    import { Worker } from 'node:worker_threads';
    const url = new URL('data:text/javascript,' + encodeURIComponent(${JSON.stringify(
      `${prelude(mark)} void zygote.run('for (;;);').catch(() => {}); say('running');`,
    )}));
    const worker = new Worker(url);
    worker.once('message', () => { say('running'); process.exit(0); });`;
  const host = new HostProgram(t, source);
  t.equal(await host.next(), 'running');
  t.match(await host.end(), { code: 0, signal: null, stderr: '' });
  await eventually('all are gone', () => markedProcesses(mark).length === 0);
});

t.test("inherit: what a child writes goes to the process's own stdout", (t) => {
  const source = `
    import { Worker } from 'node:worker_threads';
    const url = new URL('data:text/javascript,' + encodeURIComponent(${JSON.stringify(
      `${prelude(newMark())}
       await zygote.run('console.log("from the child"); module.exports = () => 1', {}, { stdout: 'inherit' });`,
    )}));
    new Worker(url);`;
  const args = ['--input-type=module', '-e', source];
  t.equal(execFileSync(process.execPath, args, { encoding: 'utf8' }), 'from the child\n', 'a socket');
  const piped = execFileSync('sh', ['-c', '"$@" | cat', 'sh', process.execPath, ...args], {
    encoding: 'utf8',
  });
  t.equal(piped, 'from the child\n', 'a pipe');
  t.end();
});
