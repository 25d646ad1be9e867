// Whatever code does to the JavaScript that it shares a process with: the host sees a result, and nothing else.
import t from 'tap';
import { allEnd, ends, STATUSES } from '../helpers/security/ends.js';
import { buildRaw, Lab, only } from '../helpers/security/lab.js';
import { expectStatus } from '../helpers/zygote.js';

const addon = buildRaw(t);
const lab = await Lab.start(t, addon, {}, { preload: ['apache-arrow'] });

t.afterEach(async () => {
  if (!(await lab.works())) throw new Error('the next child does not work');
});

// ---- what our JavaScript in the child stands on

t.test('builtins that are broken break the child alone', async (t) => {
  const break_ = `
    const spoil = (object, name, by) => { try { Object.defineProperty(object, name, { configurable: true, writable: true, value: by }); } catch {} };
    const all = (object, by) => { for (const name of Reflect.ownKeys(object)) if (name !== 'constructor' && typeof Object.getOwnPropertyDescriptor(object, name).value === 'function') spoil(object, name, by); };`;
  await allEnd(
    t,
    lab,
    [
      'Array.prototype',
      'Promise.prototype',
      'Promise',
      'Buffer',
      'Buffer.prototype',
      'Object.getPrototypeOf(Uint8Array.prototype)',
      'DataView.prototype',
      'Map.prototype',
      'Set.prototype',
      'WeakMap.prototype',
      'String.prototype',
      'Function.prototype',
      'Object',
      'Object.prototype',
      'Reflect',
      'JSON',
      'Number',
      'Math',
      'fs',
      "require('node:util')",
      "require('node:stream')",
      'process',
      'Error',
      'Error.prototype',
      'Symbol',
      'TextDecoder.prototype',
      'RegExp.prototype',
      'BigInt',
      'Atomics',
      'performance',
      "require('node:events').prototype",
      'Object.getPrototypeOf(async function* () {}).prototype',
      'Object.getPrototypeOf([][Symbol.iterator]())',
    ].flatMap((target) =>
      [`() => { throw new Error('spoiled'); }`, `() => undefined`, `function () { return this; }`].map(
        (by) => ({
          body: `${break_} all(${target}, ${by}); return { list: [1, 'x'], nested: { date: 1 } };`,
        }),
      ),
    ),
  );
});

t.test('setters and getters on Object.prototype reach nobody else', async (t) => {
  const names = [
    'kind',
    'value',
    'tables',
    'then',
    'fd',
    'length',
    'code',
    'error',
    'name',
    'offset',
    'get',
    'set',
    'writable',
    'enumerable',
    'configurable',
    'default',
    'exports',
    '0',
  ];
  const descriptors = [
    `{ get() { return 'polluted'; }, set() {}, configurable: true }`,
    `{ get() { throw new Error('polluted'); }, configurable: true }`,
    `{ value: 'polluted', writable: true, configurable: true }`,
  ];
  await allEnd(
    t,
    lab,
    names.flatMap((params) =>
      descriptors.map((descriptor) => ({
        body: `Object.defineProperty(Object.prototype, params, ${descriptor}); return { x: 1 };`,
        params,
        timeoutMs: 2000,
      })),
    ),
  );
});

t.test('names that are properties of every object are names like any other', async (t) => {
  const code = `const value = JSON.parse('{"__proto__": {"polluted": true}, "constructor": {"prototype": {"polluted": true}}, "toString": 1}'); return value;`;
  const { value } = expectStatus(await ends(t, lab, code), 'ok');
  t.equal(({} as { polluted?: boolean }).polluted, undefined);
  t.strictSame(Reflect.ownKeys(value as object).sort(), ['__proto__', 'constructor', 'toString']);
  const tables = `const { tableFromArrays } = require('apache-arrow'); const table = tableFromArrays({ a: [1] });
    return { value: 1, tables: JSON.parse('{"__proto__": 1}', (key, value) => (key === '__proto__' ? table : value)) };`;
  const named = expectStatus(await ends(t, lab, tables), 'ok');
  t.strictSame(Object.keys(named.tables), ['__proto__']);
  t.equal(Object.getPrototypeOf(named.tables), null);
});

t.test('constructor.constructor, vm and the like lead into the same child', async (t) => {
  const code = `
    const found = [
      this?.constructor?.constructor?.('return process.pid')(),
      (function () {}).constructor('return process.pid')(),
      (async () => {}).constructor('return process.pid') && (await new (async () => {}).constructor('return process.pid')()),
      new vm.Script('this.constructor.constructor("return process")().pid').runInThisContext(),
      attempt(() => vm.runInNewContext('this.constructor.constructor("return process")().pid', {})),
      attempt(() => vm.runInNewContext('outer.constructor.constructor("return process")().pid', { outer: {} })),
      params.constructor.constructor('return process')().pid,
      (0, eval)('process').pid,
      Reflect.construct(Function, ['return process.pid'])(),
    ];
    return found;`;
  const { value } = expectStatus(await ends(t, lab, code, { x: 1 }), 'ok');
  for (const found of value as unknown[])
    t.ok(
      found === 2 ||
        found === null ||
        (typeof found === 'string' && found.includes('process is not defined')),
      String(found),
    );
});

// ---- the internals of Node, and ours

t.test('process.binding and internal bindings start nothing and open nothing', async (t) => {
  const code = `
    const told = {};
    for (const name of ['spawn_sync', 'process_wrap', 'tcp_wrap', 'pipe_wrap', 'udp_wrap', 'fs', 'natives', 'contextify', 'v8', 'os', 'cares_wrap', 'tty_wrap', 'signal_wrap', 'stream_wrap', 'inspector', 'uv', 'config', 'constants', 'util', 'buffer', 'crypto'])
      told[name] = attempt(() => typeof process.binding(name));
    const spawnSync = attempt(() => process.binding('spawn_sync').spawn({ file: '/bin/sh', args: ['sh'], stdio: [0, 1, 2].map(() => ({ type: 'ignore' })), envPairs: [] }));
    return { told: Object.keys(told).length, spawnSync: spawnSync?.error ?? String(spawnSync), internals: attempt(() => typeof require('internal/bootstrap/realm')), linked: attempt(() => typeof process._linkedBinding('fs')) };`;
  const { value } = expectStatus(await ends(t, lab, code), 'ok');
  const { spawnSync, internals } = value as Record<string, unknown>;
  t.not(spawnSync, 0);
  // The shape of what it takes differs between versions; with the wrong one Node aborts.
  await ends(
    t,
    lab,
    `const { Process } = process.binding('process_wrap'); return new Process().spawn({ file: '/bin/sh', args: ['sh'] })`,
    undefined,
    { statuses: ['ok', 'threw', 'signaled'] },
  );
  t.match(internals, /MODULE_NOT_FOUND|ERR_/);
});

t.test("the library's own modules and addon are there, and give nothing", async (t) => {
  const code = `
    const Module = require('node:module');
    const cache = Object.keys(Module._cache ?? {});
    const main = process.mainModule?.filename ?? null;
    const path = cache.find((name) => name.endsWith('.node'));
    const module_ = { exports: {} };
    const loaded = path && attempt(() => process.dlopen(module_, path));
    return { modules: cache.length, main, names: Object.keys(module_.exports) };`;
  expectStatus(await ends(t, lab, code), 'ok');
});

/** The addon, as an attacker gets it who knows the path: it is loaded already, so its file is not needed. */
const OWN_ADDON = `
  const line = lines('/proc/self/maps').find((line) => line.endsWith('nodespawner.node') || line.endsWith('nodespawner-zygote.node'));
  const own = ((module) => (process.dlopen(module, line.slice(line.indexOf('/'))), module.exports))({ exports: {} });`;

t.test("the library's own addon can be called, and everything that it does is the child's", async (t) => {
  const call = `
    const attempts = {
      socketPair: () => own.socketPair(), sendMessage: () => own.sendMessage(resultFd(), Buffer.from('x'), [0, 1, 2]),
      receiveMessage: () => own.receiveMessage(0, 100), createMemfd: () => own.createMemfd('x'), mapPrivate: () => own.mapPrivate(outputFd(), 2 ** 20).byteLength,
      addSeals: () => own.addSeals(outputFd(), 15), sendRequest: () => own.sendRequest(resultFd(), 1, 1, 9, 1),
      takeBaseline: () => own.takeBaseline(), resetStartTime: () => own.resetStartTime(), duplicateTo: () => own.duplicateTo(0, 40),
    };
    const told = {};
    for (const [name, act] of Object.entries(attempts)) told[name] = String(attempt(act));
    return told;`;
  const result = await ends(t, lab, OWN_ADDON + call);
  if (result.status === 'ok') {
    const told = result.value as Record<string, string>;
    t.match(told.socketPair, /EPERM|is not a function/);
    t.match(told.createMemfd, /EPERM|is not a function/);
    t.match(told.addSeals, /ENOSYS|is not a function/, 'it can not seal its output before the host does');
  }
  await ends(
    t,
    lab,
    `${OWN_ADDON} own.sealAndServe({ controlFd: 0, stubFd: 1, spareStubs: 1, idleTimeoutMs: 100, parked: 0, sandbox: { layers: 0, skipped: 0, limits: [], dataBytes: 0, hasNetwork: false, coversProc: false, filter: Buffer.alloc(0), filterProbe: -1 } })`,
  );
  const { exitCode } = expectStatus(await ends(t, lab, `${OWN_ADDON} own.exitNow(7)`), 'exited');
  t.equal(exitCode, 7);
});

// ---- WebAssembly and shared memory

t.test('WebAssembly reaches its own memory, and traps beyond it', async (t) => {
  // (func (export "load") (param i32) (result i32) local.get 0 i32.load), with one page
  const module_ = [0, 97, 115, 109, 1, 0, 0, 0, 1, 6, 1, 96, 1, 127, 1, 127, 3, 2, 1, 0, 5, 3, 1, 0, 1, 7, 8, 1, 4, 108, 111, 97, 100, 0, 0, 10, 9, 1, 7, 0, 32, 0, 40, 2, 0, 11]; // prettier-ignore
  const code = `
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(Uint8Array.from(params)));
    return [exports.load(0), ...[65533, 65536, 0x7fffffff, -1, -65536].map((at) => attempt(() => exports.load(at)))];`;
  const { value } = expectStatus(await ends(t, lab, code, module_), 'ok');
  t.equal((value as unknown[])[0], 0);
  for (const error of (value as unknown[]).slice(1)) t.match(error, /out of bounds/);
});

t.test('reads and writes of any address end the child at most', async (t) => {
  for (const address of [
    '0n',
    '1n',
    '0x7fffffffffffn',
    '0xffffffffff600000n',
    '0xffff888000000000n',
    '0x8000000000000000n',
  ])
    for (const body of [`raw.read(${address}, 8)`, `raw.fill(${address}, 1, 8)`])
      await ends(t, lab, `${body}; return 'went through';`, undefined, { statuses: ['signaled', 'ok'] });
});

t.test('a child without the filter, and with every capability, is still but a result', async (t) => {
  const open = await Lab.start(t, addon, { off: only('files') });
  for (const body of [
    `process.kill(1, 'SIGKILL'); return 1;`,
    `sys('kill', 0, 9)`,
    `sys('kill', -1, 9); return 1;`,
    `sys('reboot', 0xfee1dead, 672274793, 0, 0); return 1;`,
    `sys('umount2', text('/proc'), 2); return fs.existsSync('/etc/shadow');`,
  ]) {
    const result = await open.attack(body, undefined, { timeoutMs: 3000 });
    t.ok(STATUSES.includes(result.status), `${result.status}: ${body}`);
  }
  t.equal(await open.works(), true);
});
