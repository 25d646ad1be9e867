// Namespaces are used again where a child can leave nothing in them: what is left all the same, the next child notices.
import { once } from 'node:events';
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import t, { type Test } from 'tap';
import { checkZygoteOptions } from '../../lib/options.js';
import { planSandbox } from '../../lib/sandbox.js';
import { compile } from '../helpers/compile.js';
import { eventually } from '../helpers/eventually.js';
import { HostProgram } from '../helpers/host-program.js';
import { allProcesses, descendantsOf } from '../helpers/processes.js';
import { buildRaw, goOn, Lab, WAITS } from '../helpers/security/lab.js';
import { expectStatus } from '../helpers/zygote.js';
import type { Child, SandboxOptions } from '../../lib/index.js';

const addon = buildRaw(t);
/** Each child is cloned when it is asked for: what befalls those that are parked, nobody is told. */
const startLab = (t: Test): Promise<Lab> => Lab.start(t, addon, {}, { pool: { min: 0, max: 0 } });
const lab = await startLab(t);

/** More than the stubs that are made ahead of demand and those that rest after children one at a time. */
const ROUNDS = 12;

/** The first process of its PID namespace. */
function stubOf(child: Child): number {
  return stubIn(readlinkSync(`/proc/${child.pid}/ns/pid`));
}

function stubIn(space: string): number {
  const stub = allProcesses().find(
    ({ pid, name }) => name.startsWith('nodespawner') && pidNamespaceOf(pid) === space,
  );
  if (stub === undefined) throw new Error(`no stub in ${space}`);
  return stub.pid;
}

function pidNamespaceOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`);
  } catch {
    return undefined; // it has just ended
  }
}

/** The stubs of children that end as they are told to, one after the other. */
async function stubsOf(from: Lab, end: (child: Child) => Promise<unknown>): Promise<number[]> {
  const stubs: number[] = [];
  for (let i = 0; i < ROUNDS; i++) {
    const child = await from.waiting();
    stubs.push(stubOf(child));
    await end(child);
  }
  return stubs;
}

const isAnyTwice = (numbers: readonly number[]): boolean => new Set(numbers).size < numbers.length;

t.test('the stub of a child that has ended well is for another', async (t) => {
  t.ok(isAnyTwice(await stubsOf(lab, goOn)));
});

const BAD_ENDS: Record<string, (child: Child) => Promise<unknown>> = {
  'is killed': (child) => (child.kill(), child.result),
  crashes: (child) => (process.kill(child.pid, 'SIGSEGV'), child.result),
};
for (const [how, end] of Object.entries(BAD_ENDS)) {
  t.test(`the stub of a child that ${how} goes with it`, async (t) => {
    t.notOk(isAnyTwice(await stubsOf(lab, end)));
  });
}

t.test(
  'the stub of a child that asks for what is forbidden, or has another exit code, goes with it',
  async (t) => {
    for (const [end, status] of [
      [`sys('ptrace', 0)`, 'forbidden'],
      [`process.exit(3)`, 'exited'],
    ] as const) {
      const stubs: number[] = [];
      for (let i = 0; i < ROUNDS; i++) {
        const child = await lab.waiting(`${WAITS} ${end}; await sleep(60_000);`);
        stubs.push(stubOf(child));
        t.equal((await goOn(child)).status, status);
      }
      t.notOk(isAnyTwice(stubs), end);
    }
  },
);

t.test('where nobody counts the processes of a child, its stub goes with it', async (t) => {
  const own = await Lab.start(t, addon, { off: ['cgroup'] }, { pool: { min: 0, max: 0 } });
  t.notOk(isAnyTwice(await stubsOf(own, goOn)));
});

t.test(
  'where clone3() is refused, so that no id can be given, each child has a stub of its own',
  async (t) => {
    const host = new HostProgram(
      t,
      `const zygote = await Zygote.start({ preload: [], pool: { min: 0, max: 0 } });
       const values = [];
       for (let i = 0; i < ${ROUNDS}; i++) {
         const child = await zygote.spawn('module.exports = () => new Promise((resolve) => process.stdin.once("data", () => resolve(process.pid)))', {}, { stdin: 'pipe' });
         const on = new Promise((resolve) => process.once('SIGUSR2', resolve));
         say(child.pid);
         await on;
         child.stdin.end('on');
         values.push((await child.result).value);
       }
       say(values);
       await zygote.close();`,
      { through: [compile(t, 'security/deny', 'program'), 'clone3', '--'] },
    );
    const spaces: string[] = [];
    for (let i = 0; i < ROUNDS; i++) {
      const pid = await host.next<number>();
      spaces.push(String(stubIn(readlinkSync(`/proc/${pid}/ns/pid`))));
      process.kill(host.pid, 'SIGUSR2');
    }
    t.equal(new Set(spaces).size, ROUNDS);
    t.strictSame(await host.next(), Array(ROUNDS).fill(2));
    await host.end();
  },
);

t.test('children that live at the same time have different ones', async (t) => {
  const children = await Promise.all(Array.from({ length: 8 }, () => lab.waiting()));
  t.equal(new Set(children.map(stubOf)).size, children.length);
  for (const child of children) expectStatus(await goOn(child), 'ok');
});

/** Starts a few threads, whose ids are in `ids`. */
const THREADS = `
  const { Worker } = require('node:worker_threads');
  const inThread = \`
    const { parentPort, workerData } = require('node:worker_threads');
    const raw = { exports: {} };
    process.dlopen(raw, workerData.addon);
    parentPort.postMessage(raw.exports.call(workerData.gettid));
    parentPort.on('message', () => {});
  \`;
  const ids = await Promise.all(Array.from({ length: 4 }, async () => {
    const worker = new Worker(inThread, { eval: true, workerData: { addon: params, gettid: NUMBERS.gettid } });
    return new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
  }));`;

t.test('what a child has of its own the next one does not find: threads, their ids, files', async (t) => {
  const body = `
    ${THREADS}
    const files = fs.readdirSync('/tmp');
    const mode = fs.statSync('/tmp').mode & 0o777;
    fs.writeFileSync('/tmp/mine', 'x');
    fs.chmodSync('/tmp', 0o755);
    ${WAITS}
    return { pid: process.pid, least: Math.min(...ids), most: Math.max(...ids), files, mode };`;
  const stubs: number[] = [];
  // Has no stubs at rest yet, so that these few have several children each.
  const own = await startLab(t);
  for (let i = 0; i < ROUNDS; i++) {
    const child = await own.waiting(body, addon);
    stubs.push(stubOf(child));
    const { value } = expectStatus(await goOn(child), 'ok');
    const { most, least, ...rest } = value as Record<string, unknown>;
    t.strictSame(rest, { pid: 2, files: [], mode: 0o700 });
    // Its own threads: V8's and libuv's, as many as are wanted, and these four.
    t.ok(
      (least as number) > 2 && (most as number) < 24,
      `ids of threads: ${String(least)} to ${String(most)}`,
    );
  }
  t.ok(isAnyTwice(stubs));
});

t.test('by its ids a child does not count the children before it', async (t) => {
  // Not the one that a crash has had replaced.
  const own = await startLab(t);
  const ids: number[] = [];
  for (let i = 0; i < ROUNDS; i++) ids.push((await own.value('return process.getuid()')) as number);
  t.notOk(isAnyTwice(ids), 'each rests a while');
  const differences = ids.slice(1).map((id, index) => id - ids[index]!);
  t.ok(new Set(differences).size > ROUNDS / 2, ids.join());
});

/** Clocks of processes and threads, by number (clock_getcpuclockid(3)), and mounts by the number that no other has had. */
const IDENTIFIES = `
  const clock = (pid, kind) => [sys('clock_gettime', (~pid << 3) | kind, Buffer.alloc(16)), sys('clock_nanosleep', (~pid << 3) | kind, 1, Buffer.alloc(16), 0)];
  const mounts = (mask) => sys('statx', -100, text('/tmp'), 0, mask, Buffer.alloc(256));
  return { stub: [0, 1, 2].map((kind) => clock(1, kind)), own: [0, 2].map((pid) => clock(pid, 2)), thread: sys('clock_gettime', (~2 << 3) | 6, Buffer.alloc(16)), mount: mounts(0x4000), usual: mounts(0xfff) };`;

t.test('a child does not tell one stub from another', async (t) => {
  const refused = ['EINVAL', 'EINVAL'];
  const works = {
    own: [
      [0, 0],
      [0, 0],
    ],
    thread: 0,
    usual: 0,
  };
  t.strictSame(await lab.value(IDENTIFIES), {
    stub: [refused, refused, refused],
    mount: 'EINVAL',
    ...works,
  });
  const open = await Lab.start(t, addon, { off: ['syscalls'] });
  t.match(await open.value(IDENTIFIES), {
    stub: [
      [0, 0],
      [0, 0],
      [0, 0],
    ],
    mount: 0,
    ...works,
  });
});

/** What becomes of children while something of the host's is in the namespaces of stubs that rest. */
async function outcomeBeside(t: Test, put: (stub: number) => void): Promise<string> {
  const own = await startLab(t);
  const stubs = new Set(await stubsOf(own, goOn));
  for (const stub of stubs) put(stub);
  let outcome = 'ok';
  for (let i = 0; i < ROUNDS && outcome === 'ok'; i++) {
    outcome = await own.attack('return 1').then(
      ({ status }) => status,
      (error: unknown) => String(error),
    );
  }
  return outcome;
}

/** The control groups of a process that count tasks, as directories. */
function taskGroupsOf(pid: number): string[] {
  const lines = readFileSync(`/proc/${pid}/cgroup`, 'utf8').trim().split('\n');
  const paths = lines
    .map((line) => line.split(':'))
    .map(([, controllers = '', path = '']) => ({ controllers, path }));
  return paths.flatMap(({ controllers, path }) =>
    controllers === ''
      ? [`/sys/fs/cgroup${path}`]
      : controllers === 'pids'
        ? [`/sys/fs/cgroup/pids${path}`]
        : [],
  );
}

t.test('the stub of a child that has started a process, however it did, goes with it', async (t) => {
  const own = await startLab(t);
  const seen = new Set<number>();
  for (let i = 0; i < ROUNDS; i++) {
    const child = await own.waiting();
    const stub = stubOf(child);
    t.notOk(seen.has(stub));
    seen.add(stub);
    const started = spawn('nsenter', [`--target=${stub}`, '--pid', 'sleep', '60'], { stdio: 'ignore' });
    const over = once(started, 'exit');
    const [sleeps] = await eventually('it is there', () => {
      const found = descendantsOf(started.pid!);
      return found.length === 1 && found[0]!.name === 'sleep' ? found : undefined;
    });
    for (const group of taskGroupsOf(child.pid))
      if (existsSync(`${group}/pids.current`)) writeFileSync(`${group}/cgroup.procs`, String(sleeps!.pid));
    expectStatus(await goOn(child), 'ok');
    await over;
  }
});

for (const kind of ['--shmem=4096', '--semaphore=1', '--queue'])
  t.test(`a child that finds an object of System V IPC is none: ${kind}`, async (t) => {
    const outcome = await outcomeBeside(t, (stub) => {
      execFileSync('nsenter', [`--target=${stub}`, '--ipc', 'ipcmk', kind]);
    });
    t.match(outcome, /verify: an object is in the IPC namespace/);
  });

t.test('for namespaces to be used again, each layer has to keep children from leaving something', (t) => {
  // By what the zygote is told, and the launcher.
  const reuses = (sandbox: SandboxOptions): boolean[] => {
    const { config, launcherArguments } = planSandbox(checkZygoteOptions({ preload: [], sandbox }).sandbox);
    return [config.reusesStubs, launcherArguments.includes('--reuse-networks')];
  };
  t.strictSame(reuses({}), [true, true]);
  t.strictSame(reuses({ profile: 'exec' }), [false, false]);
  t.strictSame(reuses({ profile: 'network' }), [false, false]);
  for (const layer of ['syscalls', 'files', 'capabilities'] as const)
    t.strictSame(reuses({ off: [layer] }), [false, false], layer);
  t.end();
});

t.test('a stub that ends before it has a child is missed by nobody', async (t) => {
  const own = await startLab(t);
  const [rests] = await stubsOf(own, goOn);
  const processes = allProcesses();
  const init = processes.find(({ pid }) => pid === rests)?.parent;
  const stubs = processes.filter(({ parent, name }) => parent === init && name.startsWith('nodespawner'));
  t.ok(stubs.length > 2);
  for (const { pid } of stubs) process.kill(pid, 'SIGKILL');
  // One that is on its way into a stub just then fails, and one that is there already ends with it.
  const outcomes = await Promise.allSettled(Array.from({ length: 6 }, () => own.attack('return 1')));
  for (const outcome of outcomes)
    if (outcome.status === 'rejected') t.match(outcome.reason, { code: 'ERR_SPAWN_FAILED' });
    else t.ok(['ok', 'signaled'].includes(outcome.value.status), outcome.value.status);
  for (let i = 0; i < ROUNDS; i++) t.equal(await own.value('return 1'), 1);
});
