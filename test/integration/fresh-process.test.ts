// For the code that runs in it, a child is a process that has just been started, whatever the zygote has done before.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { PlainValue, SpawnOptions, Zygote } from '../../lib/index.js';
import { expectStatus, FIXTURES, rejection, startZygote } from '../helpers/zygote.js';

const zygote = await startZygote(t, {
  preload: ['./busy-preload.cjs', './counter.cjs', './es-module.mjs', 'node:util'],
  env: { FROM: 'the zygote', TZ: 'UTC' },
});

async function valueOf(code: string, options?: SpawnOptions): Promise<PlainValue> {
  return (await zygote.run(code, {}, options)).value;
}

/** What an expression is in a child. */
async function evaluate(expression: string, options?: SpawnOptions): Promise<PlainValue> {
  return valueOf(`module.exports = () => (${expression})`, options);
}

const folder = mkdtempSync(join(tmpdir(), 'nodespawner-fresh-'));
t.teardown(() => {
  rmSync(folder, { recursive: true });
});

/** What an expression is in a node that has just been started. It must be JSON. */
function evaluateFresh(expression: string): unknown {
  const file = join(folder, 'fresh.cjs');
  writeFileSync(file, `process.stdout.write(JSON.stringify(${expression}))`);
  return JSON.parse(execFileSync(process.execPath, [file], { encoding: 'utf8', env: {} }));
}

t.test('ids: its own, as the kernel has them', async (t) => {
  const { own, kernel } = (await evaluate(`(() => {
    const [pid, , , ppid] = require('node:fs').readFileSync('/proc/self/stat', 'utf8').split(' ').map(Number);
    return { own: [process.pid, process.ppid], kernel: [pid, ppid] };
  })()`)) as { own: number[]; kernel: number[] };
  t.strictSame(own, kernel);
  const child = await zygote.spawn(
    'module.exports = () => new Promise((resolve) => process.stdin.on("end", resolve).resume())',
  );
  t.ok(child.pid !== process.pid && child.pid > 1);
  child.stdin?.end();
  await child.result;
});

t.test('argv: node, the name of the source, and what the caller gave', async (t) => {
  t.strictSame(await evaluate('process.argv'), [process.execPath, 'step.js']);
  const options = { argv: ['--flag', 'ä b', ''], filename: 'report.cjs' };
  t.strictSame(await evaluate('process.argv', options), [
    process.execPath,
    'report.cjs',
    '--flag',
    'ä b',
    '',
  ]);
  t.equal(await evaluate('process.execPath'), process.execPath);
});

t.test('execArgv: what the caller gave, and none of ours', async (t) => {
  t.strictSame(await evaluate('process.execArgv'), []);
  const other = await startZygote(t, { execArgv: ['--stack-trace-limit=3', '--no-warnings'] });
  const { value } = await other.run(`module.exports = () => {
    const recurse = (n) => n ? recurse(n - 1) : new Error().stack.split('\\n').length - 1;
    return [process.execArgv, recurse(10)];
  }`);
  t.strictSame(value, [['--stack-trace-limit=3', '--no-warnings'], 3], 'and they hold');
});

t.test('env: that of the zygote, or another one as a whole; each child has its own', async (t) => {
  t.strictSame(await evaluate('({ ...process.env })'), { FROM: 'the zygote', TZ: 'UTC' });
  t.strictSame(await evaluate('({ ...process.env })', { env: { OTHER: 'ä' } }), { OTHER: 'ä' });
  t.equal(await evaluate('(process.env.FROM = "changed", process.env.FROM)'), 'changed');
  t.equal(await evaluate('process.env.FROM'), 'the zygote');
  const zone = 'Intl.DateTimeFormat().resolvedOptions().timeZone';
  t.equal(await evaluate(zone), 'UTC');
  t.equal(await evaluate(zone, { env: { TZ: 'Asia/Tokyo' } }), 'Asia/Tokyo');
  t.equal(await evaluate('new Date(0).getHours()', { env: { TZ: 'Asia/Tokyo' } }), 9);
});

t.test('cwd: that of the zygote, or another', async (t) => {
  t.equal(await evaluate('process.cwd()'), '/');
  t.equal(await evaluate('process.cwd()', { cwd: '/tmp' }), '/tmp');
  t.equal(await evaluate('(process.chdir("/tmp"), process.cwd())'), '/tmp');
  const other = await startZygote(t, { cwd: '/tmp' });
  t.equal((await other.run('module.exports = () => process.cwd()')).value, '/tmp');
});

t.test('title: can be read and set', async (t) => {
  t.equal(await evaluate('process.title'), 'node');
  t.equal(await evaluate('(process.title = "mine", process.title)'), 'mine');
});

t.test('clocks: begin with the child', async (t) => {
  const before = { now: performance.now(), date: Date.now() };
  const times = (await evaluate(`(() => {
    const { performance, PerformanceObserver } = require('node:perf_hooks');
    const { timeOrigin, nodeTiming } = performance;
    const mark = performance.mark('a').startTime;
    return {
      uptime: process.uptime() * 1000,
      now: performance.now(),
      mark,
      event: new Event('x').timeStamp,
      idle: nodeTiming.idleTime,
      started: nodeTiming.nodeStart,
      bootstrapped: nodeTiming.bootstrapComplete,
      timeOrigin,
      entries: performance.getEntries().length,
    };
  })()`)) as Record<string, number>;
  const elapsed = performance.now() - before.now;
  // The zygote is older than this call.
  for (const name of ['uptime', 'now', 'mark', 'event', 'idle', 'started', 'bootstrapped']) {
    const time = times[name] ?? NaN;
    t.ok(time >= 0 && time <= elapsed, `${name} ${time} is within the ${elapsed} ms of the call`);
  }
  // Not the same clock as Date.now(): it may be stepped meanwhile, by less than this.
  t.ok(Math.abs((times.timeOrigin ?? NaN) - before.date) < elapsed + 1000, 'timeOrigin');
  t.equal(times.entries, 1, 'no entry but its own');
});

t.test('standard streams: of the kind that the caller asked for, and not those of the zygote', async (t) => {
  const kinds = `[0, 1, 2].map((fd) => {
    const { fstatSync } = require('node:fs');
    const stats = fstatSync(fd);
    return stats.isFIFO() ? 'pipe' : stats.isCharacterDevice() ? 'device' : 'other';
  })`;
  t.strictSame(await evaluate(kinds), ['device', 'device', 'device']);
  t.strictSame(await evaluate(kinds, { stdin: 'pipe', stdout: 'capture' }), ['pipe', 'pipe', 'device']);
  const streams =
    '[process.stdin.fd, process.stdout.fd, process.stderr.fd, process.stdout.isTTY ?? null, process.stdout.writable]';
  t.strictSame(await evaluate(streams), [0, 1, 2, null, true]);
});

t.test('console: as if the preload had never used it', async (t) => {
  const code = `module.exports = () => {
    console.log('one'); console.count('preload'); console.error('two'); process.stdout.write('three\\n');
  }`;
  const { stdout, stderr } = await zygote.run(code, {}, { stdout: 'capture', stderr: 'capture' });
  t.equal(stdout?.text, 'one\npreload: 1\nthree\n');
  t.equal(stderr?.text, 'two\n');
});

t.test('stdin: can be read to its end', async (t) => {
  const child = await zygote.spawn(`export default async () => {
    let text = '';
    for await (const chunk of process.stdin.setEncoding('utf8')) text += chunk;
    return text.length;
  }`);
  child.stdin?.end('x'.repeat(300_000));
  t.equal(expectStatus(await child.result, 'ok').value, 300_000);
});

t.test('no module is the main one, none has a parent, and nothing of ours is in sight', async (t) => {
  t.strictSame(
    await evaluate(
      '[require.main ?? null, process.mainModule ?? null, module.parent ?? null, module.filename, __dirname]',
    ),
    [null, null, null, '/step.js', '/'],
  );
  t.strictSame(await evaluate('Object.keys(require.cache)'), []);
  const cached = await evaluate("Object.keys(require('node:module')._cache)");
  const dist = FIXTURES.replace(/test\/fixtures\/$/, '');
  const isOurs = (file: string) => /^(zygote|protocol|lib)\//.test(file.replace(dist, ''));
  t.strictSame((cached as string[]).filter(isOurs), []);
});

t.test('globals, listeners and handles: those of a plain node', async (t) => {
  const names = 'Object.getOwnPropertyNames(globalThis).sort()';
  t.strictSame(await evaluate(names), evaluateFresh(names));
  t.strictSame(await evaluate('process.getActiveResourcesInfo()'), []);
  t.strictSame(await evaluate('[process.exitCode ?? null, process.connected ?? null, typeof process.send]'), [
    null,
    null,
    'undefined',
  ]);
  const listeners = (await evaluate('process.eventNames().map(String)')) as string[];
  const fresh = evaluateFresh('process.eventNames().map(String)') as string[];
  t.strictSame(
    listeners.filter((name) => !['uncaughtExceptionMonitor', 'beforeExit'].includes(name)).sort(),
    fresh.filter((name) => listeners.includes(name)).sort(),
  );
});

t.test('signals: blocked and ignored as in a plain node', async (t) => {
  const masks = `Object.fromEntries(require('node:fs').readFileSync('/proc/self/status', 'utf8')
    .split('\\n').map((line) => line.split(':\\t')).filter(([name]) => ['SigBlk', 'SigIgn', 'ShdPnd'].includes(name)))`;
  t.strictSame(await evaluate(masks), evaluateFresh(masks));
});

t.test('what one child does to a preloaded module, no other sees', async (t) => {
  const code = "require('./counter.cjs').increment()";
  t.strictSame([await evaluate(code), await evaluate(code), await evaluate(code)], [1, 1, 1]);
});

t.test('require() and import find what was preloaded, under its name, as the same module', async (t) => {
  const value = await valueOf(`
    import fs, { readFileSync } from 'node:fs';
    import { inspect } from 'util';
    import { Thing } from './counter.cjs';
    import greet, { answer } from './es-module.mjs';
    import { createRequire } from 'node:module';
    export default async () => {
      const dynamic = await import('./counter.cjs');
      const es = await import('./es-module.mjs');
      const path = await import('path');
      return [
        fs.readFileSync === readFileSync, inspect(new Thing()), greet('you'), answer, dynamic.Thing === Thing,
        es.default === greet, path.join('a', 'b'), import.meta.filename, import.meta.url,
      ];
    };`);
  t.strictSame(value, [
    true,
    "Thing { name: 'thing' }",
    'hello you',
    42,
    true,
    true,
    'a/b',
    '/step.js',
    'file:///step.js',
  ]);
  t.strictSame(
    await evaluate(`(() => {
      const { Thing } = require('./counter.cjs');
      return [require('./counter.cjs').Thing === Thing, require('./es-module.mjs').answer, require('node:fs') === require('fs')];
    })()`),
    [true, 42, true],
  );
});

t.test('require() and import find nothing else', async (t) => {
  const files = [
    './entries.cjs',
    `${FIXTURES}counter.cjs`,
    `${FIXTURES}entries.cjs`,
    'uuid',
    'apache-arrow',
    './nothing',
  ];
  for (const name of [...files, 'internal/util', 'node:internal/util', 'node:nothing']) {
    const required = expectStatus(
      await zygote.spawn(`require(${JSON.stringify(name)})`).then(({ result }) => result),
      'threw',
    );
    t.match(
      required.error,
      { code: 'MODULE_NOT_FOUND', message: new RegExp(name.replace(/[/.]/g, '\\$&')) },
      `require ${name}`,
    );
    for (const code of [`import ${JSON.stringify(name)}`, `await import(${JSON.stringify(name)})`]) {
      const imported = expectStatus(await zygote.spawn(code).then(({ result }) => result), 'threw');
      t.equal(imported.error.code, 'ERR_MODULE_NOT_FOUND', code);
    }
  }
});

t.test('positions in stack traces are those of the source, under its name', async (t) => {
  const stackOf = async (code: string, options?: SpawnOptions): Promise<string> => {
    const error = await rejection(zygote.run(code, {}, options));
    return (error as unknown as { result: { error: { stack: string } } }).result.error.stack;
  };
  const commonJs = await stackOf(
    '\n\nfunction inner() {\n  throw new Error("here");\n}\nmodule.exports = () => inner();',
    {
      filename: 'steps/über.cjs',
    },
  );
  t.match(
    commonJs,
    /^Error: here\n {4}at inner \(steps\/über\.cjs:4:9\)\n {4}at module\.exports \(steps\/über\.cjs:6:24\)$/,
  );
  const es = await stackOf('\nexport default async function run() {\n  await null;\n  null.x;\n}', {
    filename: 'run.mjs',
  });
  t.match(es, /^TypeError: .*\n {4}at (async )?run \(run\.mjs:4:8\)$/);
  const loading = await stackOf('const a = 1;\n  throw new Error("while loading")');
  t.match(loading, /^Error: while loading\n {4}at .*step\.js:2:9\)?$/);
  const withMark = await stackOf('\uFEFFthrow new Error("x")', { filename: 'bom.cjs' });
  t.match(withMark, /bom\.cjs:1:7/);
});

const TYPESCRIPT = `interface Row { readonly a: number }
type Rows = readonly Row[];
export default <T extends Rows>({ params }: { params: T }): number => {
  const sum = params.reduce((total: number, { a }: Row) => total + a, 0 as number);
  if (sum > 10) throw new RangeError('too much');
  return sum satisfies number;
};`;

async function checkTypeScript(t: Test, zygote: Zygote): Promise<void> {
  for (const filename of ['step.ts', 'step.mts', 'step.js']) {
    const { value } = await zygote.run(TYPESCRIPT, { params: [{ a: 1 }, { a: 2 }] }, { filename });
    t.equal(value, 3, filename);
    const child = await zygote.spawn(TYPESCRIPT, { params: [{ a: 11 }] }, { filename });
    const { error } = expectStatus(await child.result, 'threw');
    t.ok(error.stack.includes(`${filename}:5:23`), error.stack);
  }
  const enumeration = await zygote.spawn('enum A { b }', {}, { filename: 'a.ts' });
  t.equal(expectStatus(await enumeration.result, 'threw').error.code, 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX');
}

t.test('TypeScript: types are stripped, and positions stay', async (t) => {
  await checkTypeScript(t, await startZygote(t, { typescript: true }));
});

t.test('TypeScript: also where nobody asked for it', async (t) => {
  await checkTypeScript(t, zygote);
});
