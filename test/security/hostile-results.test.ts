// Whatever comes back from a child, and however it ends: the host sees a result, and nothing else.
import t from 'tap';
import { encodeResult } from '../../protocol/messages.js';
import { allEnd, ends, STATUSES } from '../helpers/security/ends.js';
import { buildRaw, Lab } from '../helpers/security/lab.js';
import type { Result } from '../../lib/index.js';

const addon = buildRaw(t);
const lab = await Lab.start(t, addon, {}, { preload: ['apache-arrow'] });

t.afterEach(async () => {
  if (!(await lab.works())) throw new Error('the next child does not work');
});

t.test('a frame that code writes itself is its own word, 200 times', async (t) => {
  const frames = [
    encodeResult({ kind: 'returned', value: 'forged', tables: [] }),
    encodeResult({ kind: 'outOfMemory' }),
    encodeResult({ kind: 'returned', value: 1, tables: [{ name: 'x', offset: 0, length: 2 ** 30 }] }),
    encodeResult({ kind: 'returned', value: 1, tables: [{ name: 'x', offset: 2 ** 52, length: 2 ** 52 }] }),
    encodeResult({ kind: 'returned', value: 1, tables: [{ name: 'x', offset: 64, length: 0 }, { name: 'x', offset: 64, length: 10 }] }),
    Buffer.alloc(1), Buffer.alloc(100_000, 0xff), Buffer.from('{"kind":"returned","value":1}'),
  ].map((chunks) => (Array.isArray(chunks) ? Buffer.concat(chunks) : chunks)); // prettier-ignore
  const code = `
    for (const frame of params.frames) fs.writeSync(resultFd(), frame);
    if (params.close) fs.closeSync(resultFd());
    if (params.exit) process.reallyExit(0);
    return 'mine';`;
  const tried: Promise<Result>[] = [];
  for (let i = 0; i < 200; i++) {
    const picked = [frames[i % frames.length]!, ...(i % 3 === 0 ? [frames[(i * 7) % frames.length]!] : [])];
    tried.push(
      lab.attack(code, { frames: picked, close: i % 2 === 0, exit: i % 5 < 2 }, { timeoutMs: 20_000 }),
    );
  }
  for (const result of await Promise.all(tried))
    if (!STATUSES.includes(result.status) || result.status === 'timedOut') t.fail(JSON.stringify(result));
  t.equal(tried.length, 200);
});

t.test('a child that has sent its result is not over while one of its threads runs', async (t) => {
  const frame = Buffer.concat(encodeResult({ kind: 'returned', value: 'early', tables: [] }));
  const body = `
    const { Worker } = require('node:worker_threads');
    await new Promise((resolve) => new Worker('for (;;);', { eval: true }).on('online', resolve));
    fs.writeSync(resultFd(), params);
    sys('exit', 0);`;
  await ends(t, lab, body, frame, { statuses: ['timedOut'], timeoutMs: 1000 });
});

t.test('each of its descriptors closed, one by one and all at once', async (t) => {
  const [fds] = [(await lab.value('return openFds().map(([fd]) => fd)')) as number[]];
  const body = `for (const fd of params < 0 ? ${JSON.stringify(fds)} : [params]) attempt(() => fs.closeSync(fd)); setTimeout(() => {}, 10); await sleep(20); return 1;`;
  await allEnd(
    t,
    lab,
    [...fds, -1].map((params) => ({ body, params, timeoutMs: 1500 })),
  );
});

t.test('each of its descriptors filled with noise', async (t) => {
  const code = `for (const [fd] of openFds()) attempt(() => { sys('fcntl', fd, 4, 0o4000); for (let i = 0; i < 300; i++) fs.writeSync(fd, Buffer.alloc(4096, i)); }); return 1;`;
  await ends(t, lab, code, undefined, { timeoutMs: 3000 });
});

t.test('other files in the places of its result and its output', async (t) => {
  const places = [
    ['resultFd', '/dev/zero'],
    ['resultFd', '/dev/null'],
    ['resultFd', '/tmp/file'],
    ['outputFd', '/dev/zero'],
    ['outputFd', '/tmp/file'],
    ['outputFd', '/proc/self/exe'],
  ] as const;
  await allEnd(
    t,
    lab,
    places.map(([place, file]) => ({
      body: `fs.writeFileSync('/tmp/file', 'x'); sys('dup2', fs.openSync(params.file, 'r'), ${place}()); const { tableFromArrays } = require('apache-arrow'); return { value: 1, tables: { a: tableFromArrays({ a: [1, 2] }) } };`,
      params: { file },
    })),
  );
});

t.test('output that is still being written to, and output with holes', async (t) => {
  const code = `
    const { tableFromArrays } = require('apache-arrow');
    const { Worker } = require('node:worker_threads');
    const at = raw.map(outputFd(), 2 ** 20, 3, 1);
    new Worker(\`const m = { exports: {} }; process.dlopen(m, \${JSON.stringify(params)}); for (let i = 0; ; i++) m.exports.fill(\${at}n, i & 0xff, 4096);\`, { eval: true });
    await sleep(100);
    return tableFromArrays({ a: new Float64Array(512) });`;
  await ends(t, lab, code, addon, { statuses: ['ok', 'badOutput'] });
  await ends(
    t,
    lab,
    `sys('fallocate', outputFd(), 3, 0, 2 ** 30); sys('ftruncate', outputFd(), 0); return require('apache-arrow').tableFromArrays({ a: [1] });`,
  );
});

t.test('values that fight back when they are looked at', async (t) => {
  await allEnd(
    t,
    lab,
    [
      `new Proxy({}, { ownKeys() { throw new Error('no'); } })`,
      `new Proxy([], { get(target, key) { return key === 'length' ? 2 ** 53 : 1; } })`,
      `(() => { const a = []; a[2 ** 31] = 1; return a; })()`,
      `(() => { const o = {}; o.o = o; return o; })()`,
      `Object.defineProperty({}, 'x', { enumerable: true, get() { for (;;); } })`,
      `{ then(resolve) { resolve(this); } }`,
      `{ get then() { throw 1; } }`,
      `(() => { let o = {}; for (let i = 0; i < 1e6; i++) o = { o }; return o; })()`,
      `Array(1e6).fill({})`,
      `new Array(2 ** 32 - 1)`,
      `Symbol('x')`,
      `() => 1`,
      `new (class X {})()`,
      `(() => { const { proxy, revoke } = Proxy.revocable({}, {}); revoke(); return proxy; })()`,
      `'\\ud800'`,
      `2n ** 70n`,
      `NaN`,
      `new Uint8Array(new SharedArrayBuffer(8))`,
      `(() => { const b = new ArrayBuffer(8); const v = new Uint8Array(b); structuredClone(b, { transfer: [b] }); return v; })()`,
      `globalThis`,
      `process`,
      `new Date(NaN)`,
      `Object.setPrototypeOf([], null)`,
      `{ tables: new Proxy({}, { ownKeys() { return ['x']; }, getOwnPropertyDescriptor() { return { enumerable: true, configurable: true }; } }) }`,
    ].map((value) => ({ body: `return ${value};`, timeoutMs: 2500 })),
  );
});

t.test('errors that fight back when they are described', async (t) => {
  await allEnd(
    t,
    lab,
    [
      `null`,
      `undefined`,
      `Symbol('x')`,
      `Object.create(null)`,
      `new Proxy(new Error(), { get() { throw new Error('again'); } })`,
      `Object.defineProperty(new Error('x'), 'stack', { get() { throw new Error('again'); } })`,
      `Object.defineProperty(new Error('x'), 'message', { get() { for (;;); } })`,
      `(() => { const e = new Error('x'); e.cause = e; return e; })()`,
      `(() => { let e = new Error('x'); for (let i = 0; i < 1e5; i++) e = new Error('x', { cause: e }); return e; })()`,
      `new Error('x'.repeat(2 ** 28))`,
      `Object.assign(new Error(), { name: { toString() { throw 1; } }, code: 'x'.repeat(2 ** 25) })`,
      `(() => { const f = () => f(); try { f(); } catch (e) { return e; } })()`,
      `new AggregateError(Array(1e5).fill(new Error('x')))`,
      `(() => { Error.prepareStackTrace = () => { throw new Error('again'); }; return new Error('x'); })()`,
      `(() => { Error.stackTraceLimit = Infinity; const f = (n) => n ? f(n - 1) : new Error('deep'); return f(5000); })()`,
      `(() => { const { proxy, revoke } = Proxy.revocable(new Error(), {}); revoke(); return proxy; })()`,
    ].map((thrown) => ({ body: `throw ${thrown};`, timeoutMs: 2500 })),
  );
});

t.test('ends that do not end', async (t) => {
  const attacks = [
    [`process.on('exit', () => { for (;;); }); return 1;`, 'timedOut'],
    [
      `process.on('uncaughtException', () => { setImmediate(() => { throw new Error('again'); }); }); setImmediate(() => { throw new Error('first'); }); await sleep(60_000);`,
      'timedOut',
    ],
    [
      `process.exit = () => {}; process.reallyExit = () => {}; process.kill = () => {}; return 1;`,
      'ok',
      'exited',
      'timedOut',
    ],
    [`process.on('exit', () => process.exit(5)); return 1;`, 'ok', 'exited'],
    [
      `process.nextTick(function again() { process.nextTick(again); }); return new Promise(() => {});`,
      'timedOut',
    ],
    [`queueMicrotask(function again() { queueMicrotask(again); }); await null; return 1;`, 'timedOut', 'ok'],
    [
      `for (let i = 0; i < 1e5; i++) Promise.reject(new Error('x')); await sleep(10);`,
      'threw',
      'exited',
      'timedOut',
    ],
    [`setInterval(() => {}, 1); process.reallyExit(3);`, 'exited'],
    [`process._rawDebug('x'); process.abort();`, 'signaled'],
    [`const f = () => f() + f(); f();`, 'threw'],
    [`new Function('return ' + '('.repeat(1e6))()`, 'threw'],
    [`/^(a+)+$/.test('a'.repeat(40) + '!')`, 'timedOut', 'ok'],
    [`Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);`, 'timedOut'],
  ] as const;
  await allEnd(
    t,
    lab,
    attacks.map(([body, ...statuses]) => ({ body, statuses, timeoutMs: 1500 })),
  );
});

t.test('every signal to itself, alone and all in a row', async (t) => {
  const code = `attempt(() => sys('kill', process.pid, params)); await sleep(20); return 'survived'`;
  await Promise.all(Array.from({ length: 64 }, (_, i) => ends(t, lab, code, i + 1, { timeoutMs: 2500 })));
  await ends(
    t,
    lab,
    `for (let i = 1; i < 65; i++) { attempt(() => process.on(Object.entries(os.constants.signals).find(([, n]) => n === i)?.[0], () => {})); } for (let i = 64; i > 0; i--) sys('kill', process.pid, i); await sleep(20); return 1;`,
    undefined,
    { timeoutMs: 2500 },
  );
});

t.test('200 children that end at once, each in its own way', async (t) => {
  const ways = [
    `process.exit(3)`,
    `process.abort()`,
    `process.kill(process.pid, 'SIGKILL')`,
    `throw new Error('x')`,
    `return 1`,
    `process.reallyExit(0)`,
    `sys('mount', 0, 0, 0, 0, 0)`,
    `sys('exit_group', 9)`,
  ];
  const expected = ['exited', 'signaled', 'signaled', 'threw', 'ok', 'exited', 'forbidden', 'exited'];
  const results = await Promise.all(
    Array.from({ length: 200 }, (_, i) =>
      lab.attack(ways[i % ways.length]!, undefined, { timeoutMs: 60_000 }),
    ),
  );
  for (const [i, { status }] of results.entries())
    if (status !== expected[i % ways.length]) t.fail(`${ways[i % ways.length]}: ${status}`);
  t.equal(results.length, 200);
});
