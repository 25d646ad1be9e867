// The descriptors of a child are the standard streams, the result, the output, and objects of its own where the runtime
// had some: nothing of the zygote's, of the host's or of another child's.
import { tableFromArrays } from 'apache-arrow';
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readdirSync, readlinkSync } from 'node:fs';
import t from 'tap';
import { SANDBOX_LAYERS } from '../../lib/layers.js';
import type { Child, Inputs, SpawnOptions, Zygote } from '../../lib/index.js';
import { compile } from '../helpers/compile.js';
import { eventually } from '../helpers/eventually.js';
import { HostProgram } from '../helpers/host-program.js';
import { OWN_FDS } from '../helpers/own-fds.js';
import { zygoteTree } from '../helpers/processes.js';
import { expectStatus, MARK, newMark, startZygote, WITH_PROGRAMS } from '../helpers/zygote.js';

type Fds = Record<string, string>;

/** `pipe:[1234]` is another one in each process: what it is, is the same. */
function kind(target: string): string {
  return target.replace(/\[\d+\]$/, '').replace(/ \(deleted\)$/, '');
}

function kinds(fds: Fds): string[] {
  return Object.values(fds).map(kind).sort();
}

/** What a node that has just been started keeps open for itself. Its io_uring, if any, is what a zygote does without. */
function ownOfRuntime(): string[] {
  const code = `${OWN_FDS} fs.writeSync(1, JSON.stringify(Object.fromEntries(openFds())));`;
  const fds = JSON.parse(execFileSync(process.execPath, ['-e', code], { encoding: 'utf8' })) as Fds;
  const inherited = (fd: string, target: string): boolean => {
    try {
      // Of what has no name of its own it can't be told.
      return !target.startsWith('anon_inode:') && readlinkSync(`/proc/self/fd/${fd}`) === target;
    } catch {
      return false;
    }
  };
  return Object.entries(fds)
    .filter(([fd, target]) => Number(fd) > 2 && !target.includes('io_uring') && !inherited(fd, target))
    .map(([, target]) => kind(target))
    .sort();
}

const LIST = `${OWN_FDS} module.exports = () => Object.fromEntries(openFds());`;

async function fdsOf(zygote: Zygote, inputs?: Inputs, options?: SpawnOptions): Promise<Fds> {
  const child = await zygote.spawn(LIST, inputs, options);
  return expectStatus(await child.result, 'ok').value as Fds;
}

const zygote = await startZygote(t, { preload: ['apache-arrow', './entries.cjs'] });
const runtime = ownOfRuntime();

function standard(fds: Fds): (string | undefined)[] {
  return [fds[0], fds[1], fds[2]].map((target) => target && kind(target));
}

function others(fds: Fds): string[] {
  return kinds(Object.fromEntries(Object.entries(fds).filter(([fd]) => Number(fd) > 2)));
}

const ANSWER = ['pipe:', '/memfd:nodespawner-output'];

t.test('a child has standard streams, result, output, and what a fresh node has', async (t) => {
  const piped = await fdsOf(zygote);
  t.strictSame(standard(piped), ['pipe:', 'pipe:', 'pipe:']);
  t.strictSame(others(piped), [...runtime, ...ANSWER].sort());
  const ignored = await fdsOf(zygote, {}, { stdin: 'ignore', stdout: 'capture', stderr: 'ignore' });
  t.strictSame(standard(ignored), ['/dev/null', 'pipe:', '/dev/null']);
  t.strictSame(others(ignored), [...runtime, ...ANSWER].sort());
});

t.test('tables and a large job are memory, and no descriptors', async (t) => {
  const table = tableFromArrays({ a: Float64Array.from({ length: 100_000 }, Math.random) });
  const fds = await fdsOf(zygote, { params: 'x'.repeat(1_000_000), tables: { table, other: table } });
  t.strictSame(others(fds), [...runtime, ...ANSWER].sort());
});

t.test('a child that runs an entry has no result and no output', async (t) => {
  const child = await zygote.spawnProcess({ module: './entries.cjs', export: 'listFds' });
  const fds = JSON.parse((await child.stdout!.toArray()).join('')) as Fds;
  t.strictSame(standard(fds), ['pipe:', 'pipe:', 'pipe:']);
  t.strictSame(others(fds), runtime);
});

t.test('whatever was preloaded leaves nothing open', async (t) => {
  const busy = await startZygote(t, { preload: ['./busy-preload.cjs'] });
  t.strictSame(others(await fdsOf(busy)), [...runtime, ...ANSWER].sort());
});

t.test('no child shares an open file with the zygote, with another child, or with their stubs', async (t) => {
  const program = compile(t, 'shared-files', 'program');
  for (const sandbox of [{}, { off: SANDBOX_LAYERS }]) {
    const mark = newMark();
    const own = await startZygote(t, {
      preload: ['apache-arrow', './busy-preload.cjs'],
      env: { [MARK]: mark },
      sandbox,
    });
    const children: Child[] = [];
    for (let i = 0; i < 4; i++)
      children.push(
        await own.spawn(
          'console.log(1); module.exports = () => new Promise(() => setInterval(() => {}, 1000));',
        ),
      );
    for (const child of children) await new Promise((resolve) => child.stdout!.once('data', resolve));
    const { init, stubs, zygote: process_ } = await eventually('all are there', () => zygoteTree(mark));
    const pids = [init.pid, process_.pid, ...stubs.map(({ pid }) => pid), ...children.map(({ pid }) => pid)];
    t.ok(pids.length >= 10);
    const shared = execFileSync(program, pids.map(String), { encoding: 'utf8' }).trim().split('\n');
    const byInit = (line: string) =>
      line.split(' ')[0] === String(init.pid) && line.split(' ')[2] === String(process_.pid);
    // Init and zygote have the launcher's standard streams, and nothing else, in common.
    t.strictSame(
      shared.filter((line) => !byInit(line)),
      [],
    );
    for (const { pid } of stubs) t.strictSame(readdirSync(`/proc/${pid}/fd`), [], 'a stub has none at all');
    for (const child of children) child.kill();
  }
});

t.test('a signal to one child is seen by no other', async (t) => {
  const code = `module.exports = () => new Promise((resolve) => {
    process.on('SIGUSR2', () => resolve('signal'));
    process.stdin.on('end', () => resolve('end')).resume();
    console.log('ready');
  });`;
  const children = await Promise.all(Array.from({ length: 4 }, () => zygote.spawn(code)));
  for (const child of children) await new Promise((resolve) => child.stdout!.once('data', resolve));
  const [first, ...rest] = children;
  first!.kill('SIGUSR2');
  t.equal(expectStatus(await first!.result, 'ok').value, 'signal');
  for (const child of rest) child.stdin!.end();
  for (const child of rest) t.equal(expectStatus(await child.result, 'ok').value, 'end');
});

t.test('a program that a child starts gets the standard streams alone', async (t) => {
  const exec = await startZygote(t, { preload: ['apache-arrow'], sandbox: WITH_PROGRAMS });
  const code = `const { execFileSync } = require('node:child_process');
    module.exports = () => execFileSync('/bin/ls', ['/proc/self/fd'], { encoding: 'utf8' });`;
  const { value } = await exec.run(code, { tables: { table: tableFromArrays({ a: [1] }) } });
  // The fourth is that of the folder which it reads.
  t.equal(value, '0\n1\n2\n3\n');
});

t.test('nothing that the host has open goes to the zygote, its launcher or its children', async (t) => {
  const file = openSync('/etc/hostname', 'r');
  t.teardown(() => {
    closeSync(file);
  });
  const mark = newMark();
  const host = new HostProgram(
    t,
    `import { openSync } from 'node:fs';
     openSync('/etc/passwd');
     const zygote = await Zygote.start({ preload: [], pool: { min: 0, max: 0 }, env: { ${MARK}: process.env.${MARK} } });
     const child = await zygote.spawn('console.log(1); module.exports = () => new Promise(() => setInterval(() => {}, 1000));');
     await new Promise((resolve) => child.stdout.once('data', resolve));
     say('ready');
     setInterval(() => {}, 1000);`,
    { env: { [MARK]: mark }, inherited: new Array<number>(40).fill(file) },
  );
  await host.next();
  const tree = await eventually('all are there', () => zygoteTree(mark));
  const targets = (pid: number): string[] =>
    readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
  t.ok(targets(host.pid).includes('/etc/hostname'));
  t.equal(tree.others.filter(({ pid }) => pid !== host.pid).length, 1);
  for (const { name, pid } of [tree.launcher, tree.init, tree.zygote, ...tree.stubs, ...tree.others]) {
    if (pid === host.pid) continue;
    t.strictSame(
      targets(pid).filter((target) => target.startsWith('/etc/')),
      [],
      name,
    );
  }
});
