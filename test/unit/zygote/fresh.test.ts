import type childProcess from 'node:child_process';
import type fs from 'node:fs';
import type Module from 'node:module';
import type Events from 'node:events';
import type workerThreads from 'node:worker_threads';
import t from 'tap';
import type * as dump from '../../fixtures/dump-state.cjs';
import { isolated } from '../../helpers/isolated.js';

// No process is cloned here: the same one is made fresh that was the zygote.

const fresh = {
  pid: 4321,
  argv: ['/bin/node', 'step.js', 'a'],
  execArgv: ['--no-warnings'],
  env: { GREETING: 'hi', KEPT: 'yes' },
  cwd: '/',
  title: 'step',
};

t.test('process has what it is given, and nothing of the zygote', async (t) => {
  const { value } = await isolated(
    ({ zygote, require }, fresh) => {
      process.exitCode = 3;
      process.cwd();
      zygote.fresh.beginPreload();
      zygote.fresh.prepareFresh({ ownDirectories: [] });
      zygote.fresh.becomeFresh(fresh);
      const { execFileSync } = require('node:child_process') as typeof childProcess;
      return {
        pid: process.pid,
        argv: process.argv,
        execArgv: process.execArgv,
        env: { ...process.env },
        environ: execFileSync('/usr/bin/env', { encoding: 'utf8' }),
        cwd: process.cwd(),
        title: process.title,
        exitCode: process.exitCode,
      };
    },
    fresh,
    { env: { SECRET: 's', KEPT: 'yes', TZ: 'UTC' } },
  );
  t.same(value, { ...fresh, environ: 'KEPT=yes\nGREETING=hi\n' });
});

t.test('the time zone is that of the new environment', async (t) => {
  const { value } = await isolated(
    ({ zygote }, fresh) => {
      zygote.fresh.beginPreload();
      const before = new Date(0).getHours();
      zygote.fresh.prepareFresh({ ownDirectories: [] });
      zygote.fresh.becomeFresh({ ...fresh, env: { TZ: 'Asia/Tokyo' } });
      return [before, new Date(0).getHours()];
    },
    fresh,
    { env: { TZ: 'UTC' } },
  );
  t.same(value, [0, 9]);
});

t.test('time begins anew', async (t) => {
  const { value } = await isolated(({ zygote }, fresh) => {
    zygote.fresh.beginPreload();
    performance.mark('preloading');
    const before = performance.now();
    zygote.fresh.prepareFresh({ ownDirectories: [] });
    const epoch = Date.now();
    const uptime = process.uptime();
    zygote.fresh.becomeFresh({ ...fresh, replaceUptime: true });
    const timing = performance.nodeTiming.toJSON() as Record<string, number>;
    const event = new Event('x').timeStamp;
    const after = performance.now();
    return {
      isEarlier: after < before && process.uptime() < uptime,
      isInOrder: event >= 0 && event <= after,
      isAtOrigin: Math.abs(performance.timeOrigin - epoch) < before,
      isSameClock: Math.abs(performance.timeOrigin + performance.now() - Date.now()) < before,
      starts: ['nodeStart', 'v8Start', 'environment', 'bootstrapComplete'].map((name) => timing[name]),
      entries: performance.getEntries().length,
    };
  }, fresh);
  t.same(value, {
    isEarlier: true,
    isInOrder: true,
    isAtOrigin: true,
    isSameClock: true,
    starts: [0, 0, 0, 0],
    entries: 0,
  });
});

t.test('streams and console are new, and what preloaded modules kept of them goes on', async (t) => {
  const { value, stdout, stderr } = await isolated(async ({ zygote }, fresh) => {
    zygote.fresh.beginPreload();
    const kept = process.stdout;
    const error = console.error.bind(console);
    console.log('zygote: out');
    error('zygote: err');
    console.group();
    console.count('x');
    console.time('y');
    const ended = await new Promise((resolve) => process.stdin.on('end', () => { resolve('ended'); }).resume()); // prettier-ignore
    const whileZygote = process.getActiveResourcesInfo();
    zygote.fresh.prepareFresh({ ownDirectories: [] });
    zygote.fresh.becomeFresh(fresh);
    const beforeUse = process.getActiveResourcesInfo();
    kept.write('child: kept\n');
    console.log('child: out');
    error('child: err');
    console.count('x');
    return {
      ended,
      whileZygote,
      beforeUse,
      isNew: kept !== process.stdout,
      isAlike: [
        kept.constructor === process.stdout.constructor,
        kept instanceof process.stdout.constructor,
        kept.fd,
      ],
      type: (process.stdout as unknown as { _type: string })._type,
    };
  }, fresh);
  t.equal(stdout, 'zygote: out\n  x: 1\nchild: kept\nchild: out\nx: 1\n');
  t.equal(stderr, 'zygote: err\nchild: err\n');
  t.same(value, {
    ended: 'ended',
    whileZygote: [],
    beforeUse: [],
    isNew: true,
    isAlike: [true, true, 1],
    type: 'pipe',
  });
});

t.test("Node's internals are out of reach", async (t) => {
  const builtins = () => {
    const { builtinModules } = process.getBuiltinModule('module');
    return builtinModules;
  };
  const { value: plain } = await isolated(builtins, undefined, { flags: [] });
  const { value } = await isolated(async ({ zygote, require }) => {
    zygote.fresh.beginPreload();
    zygote.fresh.prepareFresh({ ownDirectories: [] });
    const codes: unknown[] = [];
    for (const load of [
      () => require('internal/util') as unknown,
      () => require('node:internal/util') as unknown,
      () => require('internal/test/binding') as unknown,
      () => import(['internal', 'util'].join('/')),
    ]) {
      try {
        await load();
        codes.push('loaded');
      } catch (error) {
        codes.push((error as { code?: string }).code);
      }
    }
    const module = require('node:module') as typeof Module;
    return { codes, got: process.getBuiltinModule('internal/util') ?? null, builtins: module.builtinModules };
  });
  t.same(value.codes, [
    'MODULE_NOT_FOUND',
    'ERR_UNKNOWN_BUILTIN_MODULE',
    'MODULE_NOT_FOUND',
    'ERR_MODULE_NOT_FOUND',
  ]);
  t.equal(value.got, null);
  t.same(value.builtins, plain);
});

t.test('modules of ours are out of reach', async (t) => {
  const folder = t.testdir({
    'own.cjs': 'require("./other/preloaded.cjs");',
    other: { 'preloaded.cjs': 'require("../own.cjs");' },
  });
  const { value } = await isolated(({ zygote, require }, folder) => {
    zygote.fresh.beginPreload();
    require(`${folder}/own.cjs`);
    const own = Object.keys(require.cache).filter((name) => !name.startsWith(`${folder}/other/`));
    const ownDirectories = own.map((name) => name.slice(0, name.lastIndexOf('/')));
    zygote.fresh.prepareFresh({ ownDirectories: [folder] });
    const ours = new Set(ownDirectories);
    const { main } = require;
    return { cached: Object.keys(require.cache), count: ours.size, main, isMain: 'mainModule' in process };
  }, folder);
  t.notOk(value.cached.some((name) => name.startsWith(folder)));
  t.equal(value.isMain, false);
});

t.test('nothing else can be told from a plain node', async (t) => {
  const script = ({ fixture, require }: { fixture: (name: string) => unknown; require: NodeJS.Require }) => {
    require('apache-arrow');
    const { dumpState } = fixture('dump-state') as typeof dump;
    process.argv.length = 1;
    return dumpState();
  };
  const env = { A: 'b' };
  const { value: plain } = await isolated(script, undefined, { flags: [], env });
  const { value } = await isolated(({ zygote, fixture, require }, env) => {
    zygote.random.installPreloadRandom();
    zygote.fresh.beginPreload();
    require('apache-arrow');
    console.log('preloading', Math.random());
    zygote.random.sealRandom();
    const { readdirSync } = require('node:fs') as typeof fs;
    readdirSync('/');
    zygote.fresh.prepareFresh({ ownDirectories: [] });
    zygote.random.freshRandom();
    zygote.fresh.becomeFresh({
      pid: process.pid,
      argv: [process.execPath],
      execArgv: [],
      env: { PATH: process.env.PATH!, ...env },
    });
    const { dumpState } = fixture('dump-state') as typeof dump;
    return dumpState();
  }, env);
  const ignored = /^process\.(mainModule|moduleLoadList)|^module\.(_pathCache|_cache|globalPaths)|\.main\b/;
  const relevant = (lines: string[]) =>
    lines
      .filter((line) => !ignored.test(line))
      .map((line) => line.replace(/^(process\.(pid|ppid|title) .*): .*/, '$1'));
  t.same(relevant(value), relevant(plain));
});

t.test(
  'worker threads start like those of a plain node with the flags that the child seems to have',
  async (t) => {
    const report = `
    const { parentPort } = require('node:worker_threads');
    let internals;
    try { require('internal/util'); internals = 'open'; } catch (error) { internals = error.code; }
    parentPort.postMessage([internals, process.execArgv, typeof require('node:vm').SourceTextModule]);`;
    const { value } = await isolated(
      async ({ zygote, require }, { report, fresh }) => {
        zygote.fresh.beginPreload();
        const { Worker } = require('node:worker_threads') as typeof workerThreads;
        const events = require('node:events') as typeof Events;
        zygote.fresh.prepareFresh({ ownDirectories: [] });
        const reports: unknown[] = [];
        for (const { seen, own } of [
          { seen: [] },
          { seen: ['--max-old-space-size=100', '--no-warnings'] },
          { seen: [], own: ['--no-deprecation'] },
        ]) {
          zygote.fresh.becomeFresh({ ...fresh, execArgv: seen });
          const worker = new Worker(report, { eval: true, ...(own && { execArgv: own }) });
          const [message] = (await events.once(worker, 'message')) as unknown[];
          reports.push([worker instanceof Worker, message]);
        }
        return reports;
      },
      { report, fresh },
    );
    t.same(value, [
      [true, ['MODULE_NOT_FOUND', [], 'undefined']],
      [true, ['MODULE_NOT_FOUND', ['--no-warnings'], 'undefined']],
      [true, ['MODULE_NOT_FOUND', ['--no-deprecation'], 'undefined']],
    ]);
  },
);
