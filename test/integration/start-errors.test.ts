// What keeps a zygote from being had is said by code and by name, and nothing is left of the attempt.
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { InvalidOptionError, Zygote, ZygoteStartError, type ZygoteOptions } from '../../lib/index.js';
import { addonPath, preloadedLibraryPath } from '../../lib/native-path.js';
import { compile } from '../helpers/compile.js';
import { HostProgram } from '../helpers/host-program.js';
import { asOtherUser } from '../helpers/other-user.js';
import { markedProcesses } from '../helpers/processes.js';
import { FIXTURES, MARK, newMark, rejection, startZygote } from '../helpers/zygote.js';

const packageRoot = fileURLToPath(new URL('../../../', import.meta.url));

/** What start() fails with. Nothing is left of it then. */
async function startError(options: ZygoteOptions): Promise<ZygoteStartError> {
  const mark = newMark();
  const before = readdirSync('/proc/self/fd').length;
  const error = await rejection(
    Zygote.start({ preload: [], from: FIXTURES, ...options, env: { ...options.env, [MARK]: mark } }),
  );
  if (!(error instanceof ZygoteStartError)) throw error;
  const left = markedProcesses(mark);
  if (left.length > 0) throw new Error(`still there: ${JSON.stringify(left)}`);
  const after = readdirSync('/proc/self/fd').length;
  // The first attempt opens what all of them share.
  if (after > before + 2) throw new Error(`${before} descriptors before, ${after} after`);
  return error;
}

const doing = (deed: string): ZygoteOptions => ({
  preload: ['./preloads.cjs'],
  env: { PRELOAD_DOES: deed },
  idleTimeoutMs: 500,
});

t.test('the warm-up: what is refused below starts where nothing is wrong with it', async (t) => {
  const zygote = await startZygote(t, doing('nothing'));
  t.equal((await zygote.run('module.exports = () => 1')).value, 1);
});

t.test('a module that is not there', async (t) => {
  for (const name of ['./no-such-module.cjs', 'no-such-package', '/no/such/file.js', './no-such.mjs']) {
    const error = await startError({ preload: ['node:fs', name] });
    t.equal(error.code, 'ERR_PRELOAD_FAILED');
    t.ok(error.message.includes(`'${name}'`), error.message);
  }
});

t.test('a module that throws, with what it printed', async (t) => {
  const error = await startError(doing('throw'));
  t.equal(error.code, 'ERR_PRELOAD_FAILED');
  t.match(error.message, /'\.\/preloads\.cjs'.*no luck today/);
  t.equal(error.output, 'about to throw\n');
  t.match(await startError(doing('throwText')), { code: 'ERR_PRELOAD_FAILED', message: /just text/ });
});

t.test('a TypeScript file is loaded where node does so, and else it is said what to do', async (t) => {
  const dir = t.testdir({ 'typed.ts': 'export const twice = (n: number): number => 2 * n;' });
  const options = { preload: ['./typed.ts'], from: dir };
  if ('typescript' in process.features && Boolean(process.features.typescript)) {
    const zygote = await startZygote(t, options);
    const code = "import { twice } from './typed.ts'; export default () => twice(4);";
    t.equal((await zygote.run(code)).value, 8);
  } else {
    const message = /Node v20[^ ]* loads no TypeScript: preload what it was compiled to/;
    t.match(await startError(options), { code: 'ERR_PRELOAD_FAILED', message });
  }
});

t.test('a module that ends the process', async (t) => {
  t.match(await startError(doing('exit')), { code: 'ERR_START_FAILED', message: /exit code 3/ });
  t.match(await startError(doing('abort')), { code: 'ERR_START_FAILED', message: /SIGABRT/ });
  t.match(await startError(doing('late')), { code: 'ERR_START_FAILED', output: /too late for require/ });
});

t.test('a module that never ends', async (t) => {
  const error = await startError({ ...doing('loop'), startTimeoutMs: 700 });
  t.match(error, { code: 'ERR_START_TIMED_OUT', message: /700 ms.*startTimeoutMs/ });
});

t.test('a thread of a native module, whatever it does', async (t) => {
  const addon = compile(t, 'thread-addon', 'addon');
  const options = { preload: [addon], idleTimeoutMs: 500 };
  const waiting = await startError(options);
  t.equal(waiting.code, 'ERR_THREAD_NOT_CARRIED');
  t.match(waiting.message, /"test-thread"/);
  t.ok(waiting.message.includes(addon), 'it names the file');
  for (const does of ['sleep', 'spin']) {
    const busy = await startError({ ...options, env: { THREAD_DOES: does } });
    t.match(busy, { code: 'ERR_THREAD_NOT_CARRIED', message: /"test-thread"/ }, does);
  }
});

t.test('a Worker that is left running', async (t) => {
  const error = await startError(doing('worker'));
  t.match(error, { code: 'ERR_THREAD_NOT_CARRIED', message: /Worker/ });
});

t.test('a descriptor that every child would share', async (t) => {
  t.match(await startError(doing('listen')), { code: 'ERR_FD_NOT_CARRIED', message: /socket/ });
  t.match(await startError(doing('open')), { code: 'ERR_FD_NOT_CARRIED', message: /\/etc\/hostname/ });
  t.match(await startError(doing('watch')), { code: 'ERR_FD_NOT_CARRIED', message: /inotify/ });
  t.match(await startError(doing('program')), { code: 'ERR_FD_NOT_CARRIED', message: /socket|pipe/ });
});

t.test('a node that is none, or does not know an option', async (t) => {
  t.match(await startError({ execPath: '/no/such/node' }), {
    message: /exit code 127/,
    output: /\/no\/such\/node/,
  });
  t.match(await startError({ execPath: '/bin/true' }), { code: 'ERR_START_FAILED', message: /exit code 0/ });
  t.match(await startError({ execArgv: ['--no-such-option'] }), { output: /bad option: --no-such-option/ });
});

t.test('an option that is not what it has to be', async (t) => {
  const wrong: [option: string, options: unknown][] = [
    ['options', 1],
    ['options', null],
    ['options.preload', { preload: 'apache-arrow' }],
    ['options.preload[1]', { preload: ['a', 1] }],
    ['options.from', { from: 1 }],
    ['options.from', { from: new URL('http://localhost/') }],
    ['options.env', { env: 'A=1' }],
    ['options.env.A', { env: { A: 1 } }],
    ['options.env.A', { env: { A: 'with\0NUL' } }],
    ['options.env', { env: { 'A=B': '' } }],
    ['options.cwd', { cwd: 'relative' }],
    ['options.execPath', { execPath: 'node' }],
    ['options.execArgv', { execArgv: '--a' }],
    ['options.typescript', { typescript: 'yes' }],
    ['options.startTimeoutMs', { startTimeoutMs: 0 }],
    ['options.startTimeoutMs', { startTimeoutMs: Infinity }],
    ['options.startTimeoutMs', { startTimeoutMs: NaN }],
    ['options.idleTimeoutMs', { idleTimeoutMs: '1' }],
    ['options.idleTimeoutMs', { idleTimeoutMs: 2 ** 31 }],
    ['options.sandbox', { sandbox: 'off' }],
    ['options.preloads', { preloads: [] }],
  ];
  for (const [option, options] of wrong) {
    const error = await rejection(Zygote.start(options as ZygoteOptions));
    t.match(error, { code: 'ERR_INVALID_OPTION', option }, `${option}: ${error.message}`);
    t.ok(error instanceof InvalidOptionError && error.message.startsWith(`${option} must be`));
  }
});

t.test('an option of a call that is not what it has to be', async (t) => {
  const zygote = await startZygote(t, { preload: ['./entries.cjs'] });
  const calls: [option: string, call: () => Promise<unknown>][] = [];
  const add = (option: string, code: unknown, inputs?: unknown, options?: unknown): void => {
    calls.push([option, () => zygote.run(code as string, inputs as object, options as object)]);
    calls.push([option, () => zygote.spawn(code as string, inputs as object, options as object)]);
  };
  add('code', 1);
  add('inputs', '', 1);
  add('inputs.param', '', { param: 1 });
  add('inputs.tables', '', { tables: 1 });
  for (const [name, value] of Object.entries({
    signal: {},
    timeoutMs: 0,
    argv: [1],
    env: { A: 1 },
    cwd: 'relative',
    stdin: 'inherit',
    stdout: 'file',
    stderr: 1,
    maxCaptureBytes: -1,
    filename: 'with\0NUL',
    format: 'esm',
    maxResultBytes: 1.5,
    maxTableBytes: '1',
    timeout: 1,
  })) {
    const wrong = Array.isArray(value)
      ? `options.${name}[0]`
      : name === 'env'
        ? 'options.env.A'
        : `options.${name}`;
    add(wrong, '', {}, { [name]: value });
  }
  const addEntry = (option: string, entry: unknown, options?: unknown): void => {
    calls.push([option, () => zygote.spawnProcess(entry as { module: string }, options as object)]);
  };
  addEntry('entry', 1);
  addEntry('entry.module', {});
  addEntry('entry.module', { module: 'node:fs' });
  addEntry('entry.export', { module: './entries.cjs', export: 1 });
  addEntry('entry.args', { module: './entries.cjs', args: 'x' });
  addEntry('entry.arguments', { module: './entries.cjs', arguments: [] });
  addEntry('options.filename', { module: './entries.cjs' }, { filename: 'x' });
  addEntry('options.timeoutMs', { module: './entries.cjs' }, { timeoutMs: -1 });
  for (const [option, call] of calls) {
    const error = await rejection(call());
    t.match(error, { code: 'ERR_INVALID_OPTION', option }, `${option}: ${error.message}`);
  }
});

t.test('params that can not be sent, and where', async (t) => {
  const zygote = await startZygote(t);
  const error = await rejection(zygote.run('module.exports = () => 1', { params: { a: [1, Symbol('x')] } }));
  t.match(error, { code: 'ERR_UNSUPPORTED_VALUE', path: 'params.a[1]' });
});

t.test('user namespaces that are not allowed, for a host that is not root', async (t) => {
  // In a user namespace of its own, so that the setting holds for nobody else.
  const noNamespaces = [
    ...['unshare', '--user', '--map-user=1000', '--map-group=1000', '--keep-caps', 'sh', '-c'],
    'echo 0 > /proc/sys/user/max_user_namespaces && exec setpriv --inh-caps=-all --ambient-caps=-all "$@"',
    'sh',
  ];
  const host = new HostProgram(
    t,
    `const failed = await Zygote.start({ preload: [] }).catch((error) => error);
     say({ code: failed.code, message: failed.message, uid: process.getuid() });`,
    { through: noNamespaces },
  );
  const said = await host.next<{ code: string; message: string; uid: number }>();
  t.equal(said.uid, 1000);
  t.equal(said.code, 'ERR_SANDBOX_UNAVAILABLE');
  t.match(said.message, /clone\(CLONE_NEWUSER\|CLONE_NEWPID\)/);
  t.match(said.message, /user\.max_user_namespaces/);
  t.match(await host.end(), { code: 0 });
});

t.test('a host that is not root starts a zygote where the kernel lets it', async (t) => {
  const host = new HostProgram(
    t,
    `const zygote = await Zygote.start({ preload: [] });
     const { value } = await zygote.run('module.exports = () => process.pid');
     await zygote.close();
     say([process.getuid() !== 0, value > 0]);`,
    { through: asOtherUser() },
  );
  t.strictSame(await host.next(), [true, true]);
});

t.test('a launcher that can not be executed', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'nodespawner-broken-'));
  t.teardown(() => {
    rmSync(folder, { recursive: true });
  });
  const release = join(folder, 'Release');
  mkdirSync(release);
  symlinkSync(addonPath(), join(release, 'nodespawner.node'));
  symlinkSync(preloadedLibraryPath(), join(release, 'nodespawner-preload.so'));
  const launcher = join(release, 'nodespawner-launcher');
  for (const [content, mode, expected] of [
    ['', 0o644, /could not be started.*EACCES/],
    ['#!/bin/sh\nexit 4\n', 0o755, /exit code 4/],
    ['#!/bin/sh\nkill -SEGV $$\n', 0o755, /SIGSEGV/],
  ] as const) {
    writeFileSync(launcher, content);
    chmodSync(launcher, mode);
    const host = new HostProgram(
      t,
      `await Zygote.start({ preload: [] }).then(() => say({}), ({ code, message }) => say({ code, message }));`,
      { env: { NODESPAWNER_BUILD_DIR: relative(packageRoot, folder) } },
    );
    t.match(await host.next(), { code: 'ERR_START_FAILED', message: expected });
  }
});
