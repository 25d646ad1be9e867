// Nothing outlives what it belongs to: a child its handle, its signal and its time; a zygote its host; and whatever a
// child has started, that child.
import { getEventListeners, once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import t from 'tap';
import type { Test } from 'tap';
import { tableFromArrays } from 'apache-arrow';
import { Zygote, type Child, type Result, type SpawnOptions } from '../../lib/index.js';
import { collectGarbage } from '../helpers/garbage.js';
import { eventually } from '../helpers/eventually.js';
import { HostProgram } from '../helpers/host-program.js';
import {
  controlGroupsOf,
  descendantsOf,
  markedProcesses,
  zygoteTree,
  type ZygoteTree,
} from '../helpers/processes.js';
import {
  expectStatus,
  FIXTURES,
  MARK,
  newMark,
  NO_POOL,
  rejection,
  startZygote,
  WITH_PROGRAMS,
} from '../helpers/zygote.js';

/** Code that starts processes which try to get away, says so, and when told to go on does what `then` says. */
function withDaemons(then: string): string {
  return `const { spawn, spawnSync } = require('node:child_process');
    // Its parent has ended, its session is its own, it ignores what can be ignored.
    const daemon = "trap '' HUP INT TERM; /usr/bin/setsid /bin/sleep 100000 </dev/null >/dev/null 2>&1 &";
    spawnSync('/bin/sh', ['-c', '(' + daemon + ') & wait'], { stdio: 'ignore' });
    spawn('/bin/sleep', ['100000'], { stdio: 'ignore', detached: true }).unref();
    spawn('/bin/sleep', ['100000'], { stdio: 'ignore' });
    module.exports = () => {
      const { readSync, writeSync } = require('node:fs');
      writeSync(1, 'started\\n');
      readSync(0, Buffer.alloc(1));
      ${then}
    };`;
}

const mark = newMark();
const zygote = await startZygote(t, {
  pool: NO_POOL,
  env: { [MARK]: mark },
  preload: ['apache-arrow', './entries.cjs'],
  sandbox: WITH_PROGRAMS,
});

function sleepers(of = mark): number {
  return markedProcesses(of).filter(({ name }) => name === 'sleep').length;
}

/** Starts a child, and waits until its daemons are there. */
async function spawnWithDaemons(then: string, options?: SpawnOptions): Promise<Child> {
  const child = await zygote.spawn(withDaemons(then), {}, options);
  await once(child.stdout!, 'data');
  await eventually('three sleepers', () => sleepers() === 3);
  child.stdin!.write('x');
  return child;
}

async function tree(of = mark): Promise<ZygoteTree> {
  return eventually('the processes of the zygote', () => zygoteTree(of));
}

// ---- a child and what it started

const ends: Record<string, [then: string, act: (child: Child) => unknown, options?: SpawnOptions]> = {
  'it returns': ['return 1', () => undefined],
  'it throws': ['throw 1', () => undefined],
  'it exits': ['process.exit(0)', () => undefined],
  'it is ended by a signal of its own': ['process.abort()', () => undefined],
  'its time is up': ['for (;;);', () => undefined, { timeoutMs: 1_500 }],
  'kill() is called': ['for (;;);', (child) => child.kill()],
  'kill() is called while it is stopped': ['for (;;);', (child) => (child.kill('SIGSTOP'), child.kill())],
  'its handle is disposed of': ['for (;;);', (child) => child[Symbol.asyncDispose]()],
};
for (const [name, [then, act, options]] of Object.entries(ends)) {
  t.test(`nothing that a child started is left when ${name}`, async (t) => {
    const child = await spawnWithDaemons(then, options);
    const { result } = child;
    await act(child);
    await result;
    t.equal(sleepers(), 0, 'all are gone when the result is there');
  });
}

t.test('nothing that a child started is left when its signal is aborted', async (t) => {
  const controller = new AbortController();
  const child = await spawnWithDaemons('for (;;);', { signal: controller.signal });
  controller.abort();
  t.equal((await child.result).status, 'canceled');
  t.equal(sleepers(), 0);
});

t.test('nothing that a preloaded entry started is left when it ends', async (t) => {
  const child = await zygote.spawnProcess({ module: './entries.cjs', export: 'startSleeper' });
  await once(child.stdout!, 'data');
  await eventually('a sleeper', () => sleepers() === 1);
  t.equal(child.kill('SIGTERM'), true);
  t.match(await child.wait(), { exitCode: null, signal: 'SIGTERM', killed: null });
  t.equal(sleepers(), 0);
});

t.test('a child whose handle nobody has any more is killed, and all that it started', async (t) => {
  await (async () => {
    // Its streams aren't touched: who has one in use has the child.
    const child = await zygote.spawn(withDaemons('for (;;);'), {}, { timeoutMs: Infinity });
    await eventually('three sleepers', () => sleepers() === 3);
    t.ok(child.pid > 0);
  })();
  await eventually('no sleeper is left', () => {
    collectGarbage();
    return sleepers() === 0;
  });
  t.equal((await tree()).others.length, 0);
});

t.test('a child whose result, or stream, is waited for is not killed', async (t) => {
  const code = `module.exports = () => new Promise((resolve) => {
    process.stdin.on('data', () => {}).on('end', () => { process.stdout.write('end'); resolve('done'); });
  });`;
  const started = async (): Promise<[Promise<Result>, WeakRef<Child>]> => {
    const child = await zygote.spawn(code);
    setTimeout(() => child.stdin?.end(), 300);
    return [child.result, new WeakRef(child)];
  };
  const [result] = await started();
  const collecting = setInterval(collectGarbage, 20);
  t.teardown(() => {
    clearInterval(collecting);
  });
  t.equal(expectStatus(await result, 'ok').value, 'done');

  const { stdout } = await zygote.spawn(`module.exports = () => new Promise((resolve) => setTimeout(() => {
    process.stdout.write('late'); resolve();
  }, 300));`);
  t.equal((await stdout!.toArray()).join(''), 'late');
});

t.test('of a child that is over nothing is left in the memory of the host', async (t) => {
  const ways: Record<string, (child: Child) => unknown> = {
    'its result was read': (child) => child.result,
    'it was disposed of': (child) => child[Symbol.asyncDispose](),
    'it was killed': (child) => (child.kill(), child.result),
  };
  for (const [name, end] of Object.entries(ways)) {
    const handle = await (async () => {
      const child = await zygote.spawn('module.exports = () => 1');
      await end(child);
      return new WeakRef(child);
    })();
    await eventually(`the handle can be collected: ${name}`, () => {
      collectGarbage();
      return handle.deref() === undefined;
    });
    t.pass(name);
  }
});

// ---- the zygote

t.test('close() ends pending calls, and waits until everything is gone', async (t) => {
  const own = newMark();
  const closing = await startZygote(t, {
    env: { [MARK]: own },
    preload: ['./entries.cjs'],
    sandbox: WITH_PROGRAMS,
  });
  const child = await closing.spawn(withDaemons('for (;;);'));
  await once(child.stdout!, 'data');
  const entry = await closing.spawnProcess({ module: './entries.cjs', export: 'wait' });
  const { launcher } = await tree(own);
  t.ok(markedProcesses(own).length > 5);
  // From here to close() nothing is awaited: a spawn() that is done by then is not pending.
  const pending = [
    child.result,
    entry.wait(),
    closing.run('for (;;);'),
    closing.spawn('for (;;);'),
    closing.spawn('module.exports = () => 1', { params: 'x'.repeat(1_000_000) }),
    closing.spawnProcess({ module: './entries.cjs', export: 'wait' }),
  ].map(rejection);
  const closed = [closing.close(), closing.close()];
  t.strictSame(
    (await Promise.all(pending)).map(({ code }) => code),
    new Array(6).fill('ERR_ZYGOTE_CLOSED'),
  );
  await Promise.all(closed);
  t.strictSame(markedProcesses(own), []);
  t.strictSame(controlGroupsOf(launcher.pid), []);
  t.equal(closing.isAlive, false);
  t.equal((await rejection(closing.run('module.exports = () => 1'))).code, 'ERR_ZYGOTE_CLOSED');
  t.equal(child.kill(), false);
});

t.test('close() settles a call at whichever step it is', async (t) => {
  for (let turns = 0; turns < 6; turns++) {
    const closing = await startZygote(t);
    const tables = turns % 2 ? { table: tableFromArrays({ a: [1] }) } : undefined;
    const calls = [
      closing.run('for (;;);', { params: 'x'.repeat(100_000) }, { timeoutMs: Infinity }),
      ...(tables
        ? [rejection(closing.run('for (;;);', { tables })).then((error) => Promise.reject(error))]
        : []),
    ].map(rejection);
    for (let i = 0; i < turns; i++) await (turns % 3 ? null : new Promise(setImmediate));
    await closing.close();
    const [error] = await Promise.all(calls);
    if (!t.equal(error?.code, 'ERR_ZYGOTE_CLOSED', `after ${turns} turns`)) return;
  }
});

t.test('await using closes the zygote', async (t) => {
  const own = newMark();
  {
    await using scoped = await Zygote.start({ preload: [], env: { [MARK]: own } });
    t.equal((await scoped.run('module.exports = () => 1')).value, 1);
  }
  t.strictSame(markedProcesses(own), []);
});

t.test('a zygote that nobody has any more ends', async (t) => {
  const own = newMark();
  await (async () => {
    const lost = await Zygote.start({ preload: [], env: { [MARK]: own } });
    t.equal(lost.isAlive, true);
  })();
  await eventually('it is gone', () => {
    collectGarbage();
    return markedProcesses(own).length === 0;
  });
});

for (const who of ['zygote', 'init', 'launcher'] as const) {
  t.test(
    `when the ${who} is killed, pending calls say so, nothing is left, and start() works again`,
    async (t) => {
      const own = newMark();
      const options = { env: { [MARK]: own }, preload: ['./entries.cjs'], sandbox: WITH_PROGRAMS };
      const dying = await startZygote(t, options);
      const child = await dying.spawn(withDaemons('for (;;);'));
      await once(child.stdout!, 'data');
      const entry = await dying.spawnProcess({ module: './entries.cjs', export: 'wait' });
      const pending = [child.result, entry.wait(), dying.run('for (;;);')].map(rejection);
      process.kill((await tree(own))[who].pid, 'SIGKILL');
      const late = rejection(dying.run('for (;;);', { params: 'x'.repeat(1_000_000) }));
      const codes = (await Promise.all([...pending, late])).map(({ code }) => code);
      t.strictSame(codes, new Array(4).fill('ERR_ZYGOTE_DIED'));
      t.equal(dying.isAlive, false);
      t.equal((await rejection(dying.spawn('module.exports = () => 1'))).code, 'ERR_ZYGOTE_DIED');
      await dying.close();
      // Of a launcher that is dead nobody can wait for the rest.
      if (who === 'launcher') await eventually('nothing is left', () => markedProcesses(own).length === 0);
      t.strictSame(markedProcesses(own), []);
      const again = await startZygote(t, options);
      t.equal((await again.run('module.exports = () => 1')).value, 1);
    },
  );
}

t.test(
  'what is left of many children is nothing: no process, no zombie, no descriptor, no memory',
  async (t) => {
    const own = newMark();
    const busy = await startZygote(t, {
      pool: NO_POOL,
      env: { [MARK]: own },
      preload: ['apache-arrow', './entries.cjs'],
    });
    const controller = new AbortController();
    const { signal } = controller;
    const table = tableFromArrays({ a: Float64Array.from({ length: 10_000 }, Math.random) });
    const calls: (() => Promise<unknown>)[] = [
      () => busy.run('module.exports = () => 1', {}, { signal }),
      () => busy.run('module.exports = ({ tables }) => tables.table', { tables: { table } }, { signal }),
      () => busy.run('module.exports = ({ params }) => params', { params: 'x'.repeat(200_000) }),
      () =>
        busy
          .run('console.log(1); throw 1', {}, { stdout: 'capture', stderr: 'capture' })
          .catch(() => undefined),
      () => busy.run('for (;;);', {}, { timeoutMs: 20 }).catch(() => undefined),
      async () => (await busy.spawn('module.exports = () => { console.log(1); }', {}, { signal })).result,
      async () => {
        const child = await busy.spawn(
          'process.stdin.pipe(process.stdout); module.exports = () => new Promise(() => {})',
        );
        child.stdin?.end('echo');
        return (await child.stdout!.toArray()).join('');
      },
      async () => (await busy.spawn('for (;;);'))[Symbol.asyncDispose](),
      async () => (await busy.spawnProcess({ module: './entries.cjs', export: 'say', args: ['x'] })).wait(),
      () => rejection(busy.run('1', { params: () => 1 })),
    ];
    const round = async (count: number): Promise<void> => {
      let next = 0;
      const worker = async (): Promise<void> => {
        while (next < count) await calls[next++ % calls.length]?.();
      };
      await Promise.all([worker(), worker(), worker(), worker()]);
      for (let i = 0; i < 3; i++) {
        collectGarbage();
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    };
    const { zygote: process_ } = await tree(own);
    const measure = () => ({
      hostFds: readdirSync('/proc/self/fd').length,
      zygoteFds: readdirSync(`/proc/${process_.pid}/fd`).length,
      heap: process.memoryUsage().heapUsed,
      host: residentBytes(process.pid),
      zygote: residentBytes(process_.pid),
    });
    await round(100);
    const before = measure();
    await round(500);
    const after = measure();
    t.equal(after.hostFds, before.hostFds, 'descriptors of the host');
    t.equal(after.zygoteFds, before.zygoteFds, 'descriptors of the zygote');
    t.ok(after.heap - before.heap < 3e6, `heap of the host: ${before.heap} to ${after.heap}`);
    t.ok(after.host - before.host < 40e6, `memory of the host: ${before.host} to ${after.host}`);
    t.ok(after.zygote - before.zygote < 4e6, `memory of the zygote: ${before.zygote} to ${after.zygote}`);
    t.equal(getEventListeners(signal, 'abort').length, 0, 'listeners of a signal');
    await eventually('only the zygote is left', () => {
      const left = descendantsOf(process_.pid);
      return left.length === 0;
    });
    const { launcher, init, stubs, others } = await tree(own);
    t.strictSame(others, []);
    // Those that are made ahead of demand, and such as have had a child: MOST_RESTING of native/launcher/stubs.c.
    t.ok(stubs.length >= 2 && stubs.length <= 2 + 16, `there are ${stubs.length} stubs`);
    const below = descendantsOf(launcher.pid).map(({ pid }) => pid);
    t.strictSame(
      below.sort(),
      [init.pid, process_.pid, ...stubs.map(({ pid }) => pid)].sort(),
      'and no zombie',
    );
  },
);

function residentBytes(pid: number): number {
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) * 1024;
}

// ---- the host

const START = `const zygote = await Zygote.start({
  pool: { min: 0, max: 0 },
  preload: [],
  env: { ${MARK}: process.env.${MARK} },
  sandbox: ${JSON.stringify(WITH_PROGRAMS)},
});`;

function startHost(t: Test, source: string): [host: HostProgram, mark: string] {
  const own = newMark();
  return [new HostProgram(t, source, { env: { [MARK]: own } }), own];
}

const deaths: Record<string, [source: string, act?: (host: HostProgram) => unknown]> = {
  'is killed': ['', (host) => process.kill(host.pid, 'SIGKILL')],
  'is killed while its event loop is blocked': ['for (;;);', (host) => process.kill(host.pid, 'SIGKILL')],
  'is ended by SIGTERM': ['', (host) => process.kill(host.pid, 'SIGTERM')],
  exits: ['process.exit(0);'],
  throws: ['throw new Error("out");'],
  aborts: ['process.abort();'],
};
for (const [name, [then, act]] of Object.entries(deaths)) {
  t.test(`when the host ${name}, so do zygote, children and all that they started`, async (t) => {
    const [host, own] = startHost(
      t,
      `${START}
       for (let i = 0; i < 2; i++) {
         const child = await zygote.spawn(${JSON.stringify(withDaemons('for (;;);'))});
         await new Promise((resolve) => child.stdout.once('data', resolve));
       }
       say({ pid: process.pid });
       ${then}`,
    );
    const { pid } = await host.next<{ pid: number }>();
    t.equal(pid, host.pid);
    const launcher = act && (await tree(own)).launcher.pid;
    if (act) {
      t.ok(markedProcesses(own).length > 8);
      act(host);
    }
    await host.end();
    await eventually('no process is left', () => markedProcesses(own).length === 0);
    if (launcher) await eventually('no control group is left', () => controlGroupsOf(launcher).length === 0);
  });
}

t.test('an idle zygote lets the host end', async (t) => {
  const [host, own] = startHost(t, `${START} await zygote.run('module.exports = () => 1'); say('idle');`);
  t.equal(await host.next(), 'idle');
  t.match(await host.end(), { code: 0, stderr: '' });
  await eventually('nothing is left', () => markedProcesses(own).length === 0);
});

t.test('a pending call keeps the host', async (t) => {
  const [host] = startHost(
    t,
    `${START} zygote.run('module.exports = () => new Promise((r) => setTimeout(r, 300, "late"))').then(({ value }) => say(value));`,
  );
  t.equal(await host.next(), 'late');
  t.match(await host.end(), { code: 0, stderr: '' });
});

t.test('what a child leaves in its pipes keeps the host, also when it is gone itself', async (t) => {
  const internal = (file: string): string =>
    JSON.stringify(new URL(`../../lib/${file}`, import.meta.url).href);
  const host = new HostProgram(
    t,
    `import { native } from ${internal('native.js')};
    const zygote = await Zygote.start({ preload: [], pool: { min: 0, max: 0 } });
    // As if the kernel closed what the child had open a while after its end.
    const { pipe, duplicate, close } = native;
    const late = [];
    native.pipe = () => {
      const [readEnd, writeEnd] = pipe();
      late.push(duplicate(writeEnd));
      return [readEnd, writeEnd];
    };
    const child = await zygote.spawn('console.log("printed"); module.exports = () => 5;', {}, { timeoutMs: Infinity, stdout: 'capture' });
    setTimeout(() => late.forEach((fd) => close(fd)), 500).unref();
    const { value, stdout } = await child.result;
    say([value, stdout.text]);`,
  );
  t.strictSame(await host.next(), [5, 'printed\n']);
});

t.test('a Ctrl-C at the terminal of the host is for the host alone to answer', async (t) => {
  const [host] = startHost(
    t,
    `${START}
     process.on('SIGINT', () => say('interrupted'));
     const child = await zygote.spawn('console.log(1); module.exports = () => new Promise((r) => process.stdin.resume().on("end", () => r("survived")))');
     await new Promise((resolve) => child.stdout.once('data', resolve));
     say('ready');
     process.on('SIGINT', () => child.stdin.end());
     say((await child.result).value);`,
  );
  t.equal(await host.next(), 'ready');
  process.kill(-host.pid, 'SIGINT');
  t.equal(await host.next(), 'interrupted');
  t.equal(await host.next(), 'survived');
});

t.test('many zygotes side by side end each for itself', async (t) => {
  const all = await Promise.all(
    Array.from({ length: 4 }, () => Zygote.start({ preload: [], from: FIXTURES })),
  );
  const [first, ...rest] = all;
  await first?.close();
  t.strictSame(
    await Promise.all(rest.map(async (each) => (await each.run('module.exports = () => 1')).value)),
    [1, 1, 1],
  );
  await Promise.all(rest.map((each) => each.close()));
});
