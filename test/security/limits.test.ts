// The layer `limits`: a child that wants more than its share ends with the limit named, and a sibling goes on beside it.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import t, { type Test } from 'tap';
import { buildRaw, Lab } from '../helpers/security/lab.js';
import { expectStatus, WITH_PROGRAMS } from '../helpers/zygote.js';
import type { Result, SandboxOptions } from '../../lib/index.js';

const MIB = 2 ** 20;
const addon = buildRaw(t);
const limits = { memoryBytes: 192 * MIB, tmpBytes: 8 * MIB, tasks: 40, openFiles: 100, fileBytes: 4 * MIB };
const programs: SandboxOptions = { ...WITH_PROGRAMS, limits };

/** With control groups, where there are any, and with what there is everywhere. */
const labs: readonly (readonly [what: string, lab: Lab])[] = [
  ['control groups', await Lab.start(t, addon, programs)],
  ['resource limits', await Lab.start(t, addon, { ...programs, off: ['cgroup'] })],
];
const [, first] = labs[0]!;

/**
 * Does a little of everything that could be used up: once before, and once after its stdin says something. Where memory
 * is held by RLIMIT_DATA, a thread with a heap can't be had: since Node 24 it takes 512 MiB of addresses.
 */
const SIBLING = `
  const { Worker } = require('node:worker_threads');
  const { execFileSync } = require('node:child_process');
  const everything = async () => {
    const memory = Buffer.alloc(20 * 2 ** 20, 1);
    fs.writeFileSync('/tmp/file', memory.subarray(0, 2 ** 20));
    const fds = Array.from({ length: 20 }, () => fs.openSync('/dev/null'));
    for (const fd of fds) fs.closeSync(fd);
    if (params.threads) {
    const worker = new Worker('require("node:worker_threads").parentPort.postMessage(1)', { eval: true });
    await Promise.all(['message', 'exit'].map((event) => new Promise((resolve, reject) => worker.once(event, resolve).once('error', reject))));
    }
    return execFileSync('/bin/echo', ['x']).length === 2 && memory[memory.length - 1] === 1;
  };
  const before = await everything();
  console.log(1);
  await new Promise((resolve) => process.stdin.once('data', resolve));
  return before && (await everything());`;

/** The results of attacks, all at once, beside which a sibling lives and works. */
async function allBeside(
  t: Test,
  lab: Lab,
  bodies: readonly string[],
  timeoutMs = 60_000,
): Promise<readonly Result[]> {
  const sibling = await lab.spawn(
    SIBLING,
    { threads: lab.zygote.sandbox.memory !== 'rlimit' },
    { stdin: 'pipe', stdout: 'pipe' },
  );
  await Promise.race([new Promise((resolve) => sibling.stdout!.once('data', resolve)), sibling.result]);
  const results = await Promise.all(bodies.map((body) => lab.attack(body, undefined, { timeoutMs })));
  sibling.stdin!.end('on');
  t.match(await sibling.result, { status: 'ok', value: true }, 'the sibling was not disturbed');
  return results;
}

async function beside(t: Test, lab: Lab, body: string): Promise<Result> {
  const [result] = await allBeside(t, lab, [body]);
  return result!;
}

t.test('what holds the limit on memory is said', (t) => {
  t.match(labs[0]![1].zygote.sandbox.memory, /^cgroup[12]$/);
  t.equal(labs[1]![1].zygote.sandbox.memory, 'rlimit');
  t.end();
});

/** The control group that a process is in, of those that are made for children. */
const groupOf = (pid: number): string | undefined =>
  /\/nodespawner-\d+\/child-\d+$/m.exec(readFileSync(`/proc/${pid}/cgroup`, 'utf8'))?.[0];

t.test(
  'children that live have different control groups, of which there are no more than that takes',
  async (t) => {
    const waits = 'console.log(1); await sleep(60_000);';
    const siblings = await Promise.all(
      [1, 2, 3].map(() => first.spawn(waits, undefined, { stdout: 'pipe' })),
    );
    for (const child of siblings) await once(child.stdout!, 'data');
    const theirs = new Set(siblings.map(({ pid }) => groupOf(pid)));
    t.equal(theirs.size, siblings.length);
    t.notOk(theirs.has(undefined));
    const later = new Set<string | undefined>();
    for (let i = 0; i < 30; i++) later.add(await first.seen(groupOf));
    t.ok(later.size < 20, `${later.size} groups for one child at a time`);
    t.notOk(
      [...later].some((group) => theirs.has(group)),
      'nobody is put into that of another',
    );
    for (const child of siblings) child.kill();
  },
);

// ---- memory

const MEMORY_BOMBS: Readonly<Record<string, string>> = {
  'objects on the heap': `const all = []; for (;;) all.push({ all: [all.length] });`,
  'a string that grows': `let s = 'x'; const all = []; for (;;) { s += s; all.push(Buffer.from(s)); if (s.length > 2 ** 24) s = 'x' + all.length; }`,
  buffers: `const all = []; for (;;) all.push(Buffer.alloc(4 * 2 ** 20, 1));`,
  'memory of WebAssembly': `const memory = new WebAssembly.Memory({ initial: 1, maximum: 65536 }); for (;;) { const at = memory.buffer.byteLength; memory.grow(64); new Uint8Array(memory.buffer).fill(1, at); }`,
  'mappings of its own': `for (;;) { const at = raw.map(-1, 2 ** 22, 3, 0x22); if (at < 0) throw Object.assign(new Error(), { code: told(at) }); raw.fill(at, 1, 2 ** 22); }`,
  'the heap of a worker': `
    const { Worker } = require('node:worker_threads');
    const worker = new Worker('const all = []; for (;;) all.push(Buffer.alloc(2 ** 20, 1))', { eval: true });
    await new Promise((resolve, reject) => worker.on('error', reject).on('exit', resolve));`,
};

for (const [what, lab] of labs) {
  t.test(`${what}: whatever a child fills memory with, it is outOfMemory`, async (t) => {
    const results = await allBeside(t, lab, Object.values(MEMORY_BOMBS));
    for (const [i, bomb] of Object.keys(MEMORY_BOMBS).entries())
      t.equal(results[i]?.status, 'outOfMemory', bomb);
  });
}

t.test('control groups: what several processes have counts together', async (t) => {
  const body = `
    const { spawn } = require('node:child_process');
    const ends = Array.from({ length: 6 }, () => new Promise((resolve) => spawn('/bin/sh', ['-c', 'x=$(head -c 60000000 /dev/zero | tr "\\\\0" x); sleep 1; echo \${#x}'], { stdio: 'ignore' }).on('exit', (code, signal) => resolve(signal ?? code))));
    const told = await Promise.all(ends);
    throw new Error(told.join());`;
  expectStatus(await beside(t, first, body), 'outOfMemory');
});

t.test('control groups: files in /tmp and output are memory, too', async (t) => {
  const own = await Lab.start(t, addon, { limits: { memoryBytes: 96 * MIB, tmpBytes: 512 * MIB } });
  const files = `for (let i = 0; ; i++) fs.writeFileSync('/tmp/' + i, Buffer.alloc(2 ** 20, 1));`;
  expectStatus(await own.attack(files), 'outOfMemory');
  const output = `
    const fd = outputFd();
    for (let at = 0; at < 512 * 2 ** 20; at += 2 ** 20) fs.writeSync(fd, Buffer.alloc(2 ** 20, 1), 0, 2 ** 20, at);`;
  expectStatus(await own.attack(output), 'outOfMemory');
  t.equal(await own.works(), true);
});

t.test('control groups: what an earlier child has returned is not paid for by a later one', async (t) => {
  const own = await Lab.start(
    t,
    addon,
    { limits: { memoryBytes: 160 * MIB } },
    { preload: ['apache-arrow'], pool: { min: 0, max: 0 } },
  );
  const table = `const { tableFromArrays } = require('apache-arrow'); return tableFromArrays({ a: new Float64Array(8e6) });`;
  const kept = await own.attack(table);
  expectStatus(kept, 'ok');
  // As many children as there are groups: the group of the first comes round again.
  for (let i = 0; i < 25; i++)
    await Promise.all(Array.from({ length: 10 }, () => own.zygote.run('module.exports = () => 1')));
  for (let i = 0; i < 16; i++)
    expectStatus(await own.attack(`return Buffer.alloc(100 * 2 ** 20, 1).length`), 'ok');
  t.equal(expectStatus(kept, 'ok').tables.table?.numRows, 8e6);
});

// ---- tasks

t.test('a fork bomb is limitExceeded: tasks', async (t) => {
  const body = `
    const { spawn } = require('node:child_process');
    fs.writeFileSync('/tmp/bomb', 'b() { b | b & }; b; sleep 3');
    for (let i = 0; i < 3; i++) spawn('/bin/sh', ['/tmp/bomb'], { stdio: 'ignore' }).on('error', () => {});
    await sleep(1500);
    throw new Error('no more processes');`;
  // Memory is not what this runs out of: under load, shells pile up.
  const own = await Lab.start(t, addon, { ...programs, limits: { ...limits, memoryBytes: 1024 * MIB } });
  const { limit, max } = expectStatus(await beside(t, own, body), 'limitExceeded');
  t.strictSame([limit, max], ['tasks', limits.tasks]);
});

t.test('a bomb of processes that are copies of itself is limitExceeded: tasks', async (t) => {
  const body = `
    const CLONE = 17;
    let copies = 0;
    // The copies have one thread, which goes on here.
    for (let i = 0; i < 1000; i++) { const pid = sys('clone', CLONE, 0, 0, 0, 0); if (typeof pid !== 'number') throw new Error(pid); if (pid === 0) for (;;) sys('pause'); }`;
  const { limit } = expectStatus(await beside(t, first, body), 'limitExceeded');
  t.equal(limit, 'tasks');
});

t.test('a thread bomb is limitExceeded: tasks', async (t) => {
  const body = `
    const { Worker } = require('node:worker_threads');
    const failed = new Promise((_, reject) => { for (let i = 0; i < 60; i++) try { new Worker('setInterval(() => {}, 1000)', { eval: true, resourceLimits: { maxOldGenerationSizeMb: 4 } }).on('error', reject); } catch (error) { reject(error); } });
    await failed;`;
  const own = await Lab.start(t, addon, {
    ...programs,
    limits: { ...limits, memoryBytes: 1024 * MIB, openFiles: 2000 },
  });
  const { limit } = expectStatus(await beside(t, own, body), 'limitExceeded');
  t.equal(limit, 'tasks');
});

t.test('resource limits hold the number of processes of one user, too', async (t) => {
  const [, lab] = labs[1]!;
  // Without threads that would have to be started when there may be no more.
  const body = `
    await startWorkers();
    let count = 0;
    for (; count < 1000; count++) { const pid = sys('clone', 17, 0, 0, 0, 0); if (typeof pid !== 'number') return [pid, count]; if (pid === 0) for (;;) sys('pause'); }
    return [null, count];`;
  const result = await beside(t, lab, body);
  const [error, count] = expectStatus(result, 'ok').value as [string, number];
  t.equal(error, 'EAGAIN');
  t.ok(count > 10 && count <= limits.tasks, String(count));
});

// ---- files

t.test('one who hoards descriptors is limitExceeded: openFiles', async (t) => {
  const opens = [
    "fs.openSync('/dev/null')",
    "fs.openSync('/tmp/' + all.length, 'w')",
    "(await fs.promises.open('/dev/null')).fd",
  ];
  for (const [what, lab] of labs) {
    const results = await allBeside(
      t,
      lab,
      opens.map((open) => `const all = []; for (;;) all.push(${open});`),
    );
    for (const [i, open] of opens.entries())
      t.match(
        results[i],
        { status: 'limitExceeded', limit: 'openFiles', max: limits.openFiles },
        `${what}: ${open}`,
      );
  }
});

t.test('one who fills /tmp is limitExceeded: tmpBytes', async (t) => {
  for (const [what, lab] of labs) {
    const result = await beside(
      t,
      lab,
      `for (let i = 0; ; i++) fs.writeFileSync('/tmp/' + i, Buffer.alloc(2 ** 20));`,
    );
    t.match(result, { status: 'limitExceeded', limit: 'tmpBytes', max: limits.tmpBytes }, what);
  }
});

t.test('a signal that tells of a limit, which a child sends to itself, is a signal', async (t) => {
  const body = (signal: string) =>
    `process.once('${signal}', () => {}); process.removeAllListeners('${signal}'); process.kill(process.pid, '${signal}'); await sleep(60_000);`;
  for (const signal of ['SIGXFSZ', 'SIGXCPU'])
    t.match(await first.attack(body(signal)), { status: 'signaled', signal });
});

t.test('a file that grows too large is limitExceeded: fileBytes', async (t) => {
  const bodies = [
    `for (;;) fs.appendFileSync('/tmp/file', Buffer.alloc(2 ** 20));`,
    `fs.ftruncateSync(fs.openSync('/tmp/file', 'w'), 2 ** 30);`,
    `const stream = fs.createWriteStream('/tmp/file'); for (;;) await new Promise((resolve, reject) => stream.write(Buffer.alloc(2 ** 20), (error) => error ? reject(error) : resolve()));`,
  ];
  for (const [i, result] of (await allBeside(t, first, bodies)).entries())
    t.match(result, { status: 'limitExceeded', limit: 'fileBytes', max: limits.fileBytes }, bodies[i] ?? '');
});

t.test(
  'what only an error says ends with the same name, and with the error; what it can be told by otherwise does not',
  async (t) => {
    const code = `throw Object.assign(new Error('wrapped'), { cause: Object.assign(new Error('spawn EAGAIN'), { code: params }) })`;
    for (const [name, limit] of [
      ['EMFILE', 'openFiles'],
      ['EFBIG', 'fileBytes'],
      ['ENOSPC', 'tmpBytes'],
    ] as const) {
      const said = expectStatus(await first.attack(code, name), 'limitExceeded');
      t.match(said, { limit, error: { message: 'wrapped', causes: [{ code: name }] } });
    }
    t.match(await first.attack(code, 'ENOMEM'), { status: 'outOfMemory', error: { message: 'wrapped' } });
    // The control group has refused nobody.
    if (first.zygote.sandbox.memory.startsWith('cgroup'))
      t.equal((await first.attack(code, 'EAGAIN')).status, 'threw');
    const kernels = await first.attack(`for (;;) fs.openSync('/dev/null');`);
    t.match(kernels, { status: 'limitExceeded', limit: 'openFiles', error: { code: 'EMFILE' } });
    t.equal(expectStatus(await first.attack(code, 'ENOENT'), 'threw').error.causes[0]?.code, 'ENOENT');
    const off = await Lab.start(t, addon, { off: ['limits', 'files'] });
    for (const name of ['EMFILE', 'EFBIG', 'ENOSPC', 'ENOMEM'])
      t.equal(
        expectStatus(await off.attack(code, name), 'threw').error.causes[0]?.code,
        name,
        'no limit, no name',
      );
  },
);

// ---- time

t.test('CPU time is limited, of all threads together, and for one who ignores the signal', async (t) => {
  const own = await Lab.start(t, addon, { ...programs, limits: { ...limits, cpuMs: 1000 } });
  const bodies = [
    `for (;;);`,
    `process.on('SIGXCPU', () => {}); for (;;) await null;`,
    `sys('rt_sigprocmask', 0, Buffer.alloc(8, 0xff), 0, 8); for (;;);`,
    `const { Worker } = require('node:worker_threads'); for (let i = 0; i < 4; i++) new Worker('for (;;);', { eval: true }); await sleep(60_000);`,
  ];
  for (const [i, result] of (await allBeside(t, own, bodies)).entries())
    t.match(result, { status: 'limitExceeded', limit: 'cpuMs', max: 1000 }, bodies[i] ?? '');
});

t.test('one who sends itself the signal of the limit on CPU time has not reached it', async (t) => {
  const own = await Lab.start(t, addon, { limits: { cpuMs: 60_000 } });
  for (const from of [own, first]) {
    const result = await from.attack(`process.kill(process.pid, 'SIGXCPU'); await sleep(60_000);`);
    t.equal(expectStatus(result, 'signaled').signal, 'SIGXCPU');
  }
});

t.test('wall time is limited, whatever the child does with signals', async (t) => {
  const bodies = [
    `process.kill(process.pid, 'SIGSTOP'); await sleep(60_000);`,
    `for (const signal of Object.keys(os.constants.signals)) attempt(() => process.on(signal, () => {})); sys('rt_sigprocmask', 0, Buffer.alloc(8, 0xff), 0, 8); await sleep(60_000);`,
    `for (;;) sys('nanosleep', Buffer.from(new BigInt64Array([1000n, 0n]).buffer), 0);`,
    // Its main thread ends, and another does not.
    `const { Worker } = require('node:worker_threads'); await new Promise((resolve) => new Worker('for (;;);', { eval: true }).once('online', resolve)); sys('exit', 0);`,
  ];
  for (const [i, result] of (await allBeside(t, first, bodies, 1500)).entries())
    t.match(result, { status: 'timedOut', timeoutMs: 1500 }, bodies[i] ?? '');
});

t.test('a share of the CPU is what a child gets, however many threads a sibling has', async (t) => {
  const hog = `const { Worker } = require('node:worker_threads'); for (let i = 0; i < 16; i++) new Worker('for (;;);', { eval: true }); console.log(1); for (;;) await sleep(0);`;
  const code = `
    await sleep(200);
    console.log(1);
    const before = process.cpuUsage();
    const start = performance.now();
    while (performance.now() - start < 1500);
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000 / (performance.now() - start);`;
  const own = await Lab.start(t, addon);
  const hogs = await Promise.all([1, 2].map(() => own.spawn(hog, undefined, { stdout: 'pipe' })));
  for (const child of hogs) await once(child.stdout!, 'data');
  const used = (): number[] =>
    hogs.map(({ pid }) => {
      const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
        .replace(/^.*\) /s, '')
        .split(' ');
      return (Number(stat[11]) + Number(stat[12])) * 10; // clock ticks, of which there are 100 in a second
    });
  /** What a child with one thread has of a CPU for each CPU that the greedier of the two has. */
  const measure = async (): Promise<number> => {
    const child = await own.spawn(code, undefined, { stdout: 'pipe' });
    await once(child.stdout!, 'data');
    const [before, since] = [used(), performance.now()];
    const mine = expectStatus(await child.result, 'ok').value as number;
    // Each by its own time: where all are busy, the host hears late of the end.
    const elapsed = performance.now() - since;
    const others = used().map((ms, i) => (ms - before[i]!) / elapsed);
    t.comment(`${mine.toFixed(2)} of a CPU beside ${others.map((share) => share.toFixed(2)).join(' and ')}`);
    return mine / Math.max(...others);
  };
  // By threads it would be a sixteenth, each time. Once in forty times the kernel moves threads between CPUs such that
  // a group has less than a quarter of another for as long as this looks.
  const shares: number[] = [];
  while (shares.length < 3 && !shares.some((share) => share > 1 / 4)) shares.push(await measure());
  t.ok(shares.at(-1)! > 1 / 4, shares.map((share) => share.toFixed(2)).join(', '));
  for (const child of hogs) child.kill();
});

// ---- output

t.test('one who floods a stream that is captured is cut, and says so', async (t) => {
  const body = `for (let i = 0; i < 200; i++) fs.writeSync(params, Buffer.alloc(100_000, 120)); return 1;`;
  for (const [fd, stream] of [
    [1, 'stdout'],
    [2, 'stderr'],
  ] as const) {
    const result = await first.attack(body, fd, { [stream]: 'capture', maxCaptureBytes: 10_000 });
    t.strictSame([result[stream]?.bytes.length, result[stream]?.truncated], [10_000, true]);
  }
});

t.test('one who floods a stream that nobody reads uses no memory of the host', async (t) => {
  const flood = `for (;;) fs.writeSync(1, Buffer.alloc(2 ** 20));`;
  const before = process.memoryUsage().rss;
  const unasked = await first.spawn(flood, undefined, { stdout: 'pipe' });
  t.match(await unasked.result, { status: 'limitExceeded', limit: 'outputBytes' });
  const unread = await first.spawn(flood, undefined, { stdout: 'pipe', timeoutMs: 1500 });
  t.ok(unread.stdout);
  expectStatus(await unread.result, 'timedOut');
  t.ok(process.memoryUsage().rss - before < 64 * MIB);
});

t.test('results and tables are limited by name', async (t) => {
  const big = await first.attack(`return 'x'.repeat(2 ** 20)`, undefined, { maxResultBytes: 1000 });
  t.match(big, { status: 'limitExceeded', limit: 'maxResultBytes', max: 1000 });
  const forged = `
const fd = resultFd();
    for (;;) fs.writeSync(fd, Buffer.alloc(2 ** 20));`;
  const flooded = await beside(t, first, forged);
  t.match(flooded, { status: 'limitExceeded', limit: 'maxResultBytes' });
});

// ---- what the kernel says

t.test('the limits are in force, on every process', async (t) => {
  const child = await first.spawn('console.log(1); await sleep(10_000)', undefined, { stdout: 'pipe' });
  await new Promise((resolve) => child.stdout!.once('data', resolve));
  const inForce = new Map(
    readFileSync(path.join('/proc', String(child.pid), 'limits'), 'utf8')
      .trim()
      .split('\n')
      .slice(1)
      .map((line) => line.split(/ {2,}/) as [string, string, string])
      .map(([name, soft, hard]) => [name, [soft, hard]]),
  );
  for (const [name, value] of Object.entries({
    'Max core file size': 1, // which stops the program that core files may go to, as 0 does not
    'Max msgqueue size': 0,
    'Max nice priority': 0,
    'Max realtime priority': 0,
    'Max locked memory': 65_536,
    'Max pending signals': 16,
    'Max open files': limits.openFiles,
    'Max file size': limits.fileBytes,
    // A little more than its control group allows, which counts.
    'Max processes': limits.tasks + 16,
  }))
    t.strictSame(inForce.get(name), [String(value), String(value)], name);
  child.kill();
});

t.test('a crash leaves no core file', async (t) => {
  const body = `process.chdir('/tmp'); process.abort();`;
  t.equal(expectStatus(await first.attack(body), 'signaled').signal, 'SIGABRT');
  // A program of its own is dumpable again, and crashes where its parent can look.
  const look = `
    const { spawnSync } = require('node:child_process');
    const { signal } = spawnSync('/bin/sh', ['-c', 'kill -SEGV $$'], { cwd: '/tmp' });
    return [signal, fs.readdirSync('/tmp')];`;
  t.strictSame(await first.value(look), ['SIGSEGV', []]);
});
