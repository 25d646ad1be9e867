// Each way in which a child can end has its own status, and each result has what every result has.
import { tableFromArrays, tableToIPC, type Table } from 'apache-arrow';
import { text } from 'node:stream/consumers';
import t from 'tap';
import { ChildError, type ErrorDescription, type Result, type SpawnOptions } from '../../lib/index.js';
import { encodeResult } from '../../protocol/messages.js';
import { OWN_FDS } from '../helpers/own-fds.js';
import { expectStatus, rejection, startZygote, WITH_PROGRAMS } from '../helpers/zygote.js';

const zygote = await startZygote(t, { preload: ['apache-arrow'] });

async function resultOf(code: string, params?: unknown, options?: SpawnOptions): Promise<Result> {
  const child = await zygote.spawn(code, { params }, { stdout: 'ignore', stderr: 'ignore', ...options });
  return child.result;
}

async function threw(code: string, options?: SpawnOptions): Promise<ErrorDescription> {
  return expectStatus(await resultOf(code, undefined, options), 'threw').error;
}

function rows(table: Table | undefined): unknown {
  return table?.toArray().map((row: { toJSON(): unknown }) => row.toJSON());
}

// ---- ok

t.test('ok: a value is what the function returned', async (t) => {
  const value = { text: 'ä', list: [1, -0, null, true], big: 2n ** 60n, bytes: Uint8Array.of(1, 2) };
  const result = expectStatus(await resultOf('module.exports = ({ params }) => params', value), 'ok');
  t.strictSame(result.value, value);
  t.strictSame(Object.keys(result.tables), []);
});

t.test('ok: a promise counts as what it resolves to', async (t) => {
  const code = `export default async () => {
    await new Promise((resolve) => setTimeout(resolve, 5));
    return 'late';
  }`;
  t.equal(expectStatus(await resultOf(code), 'ok').value, 'late');
});

t.test('ok: undefined comes back as null, which is what there is for nothing', async (t) => {
  t.equal(expectStatus(await resultOf('module.exports = () => {}'), 'ok').value, null);
});

t.test('ok: a table by itself is tables.table', async (t) => {
  const code = `const { tableFromArrays } = require('apache-arrow');
    module.exports = () => tableFromArrays({ a: Int32Array.of(1, 2) });`;
  const result = expectStatus(await resultOf(code), 'ok');
  t.equal(result.value, null);
  t.strictSame(rows(result.tables.table), [{ a: 1 }, { a: 2 }]);
});

t.test('ok: a value and tables', async (t) => {
  const code = `import { tableFromArrays } from 'apache-arrow';
    export default async () => ({
      value: 7,
      tables: { one: tableFromArrays({ a: Int32Array.of(1) }), two: tableFromArrays({ b: ['x', 'y'] }) },
    });`;
  const result = expectStatus(await resultOf(code), 'ok');
  t.equal(result.value, 7);
  t.strictSame(rows(result.tables.one), [{ a: 1 }]);
  t.strictSame(rows(result.tables.two), [{ b: 'x' }, { b: 'y' }]);
});

t.test('ok: what is still going on when the function has returned does not hold up the result', async (t) => {
  const code = `module.exports = () => {
    setInterval(() => {}, 1000);
    return 1;
  }`;
  t.equal(expectStatus(await resultOf(code, undefined, { timeoutMs: Infinity }), 'ok').value, 1);
});

t.test('ok: output that nobody reads does not hold up who waits for the result', async (t) => {
  const code = `module.exports = () => {
    process.stdout.write('x'.repeat(300_000));
    process.stderr.write('y'.repeat(300_000));
    return 1;
  }`;
  const child = await zygote.spawn(code, {}, { timeoutMs: Infinity, maxCaptureBytes: 200_000 });
  t.equal(expectStatus(await child.result, 'ok').value, 1);
  t.equal(await text(child.stdout!), 'x'.repeat(200_000), 'and the beginning of it is kept');
});

t.test('ok: output is whole for who asks for it together with the result', async (t) => {
  const code = `module.exports = () => { process.stdout.write('x'.repeat(3_000_000)); return 1; }`;
  const child = await zygote.spawn(code, {}, { timeoutMs: Infinity, stderr: 'ignore' });
  const [result, out] = await Promise.all([child.result, text(child.stdout!)]);
  t.equal(result.status, 'ok');
  t.equal(out.length, 3_000_000);
});

t.test('ok: params that are not given are an empty object', async (t) => {
  t.strictSame((await zygote.run('module.exports = ({ params }) => params')).value, {});
  t.equal((await zygote.run('module.exports = ({ params }) => params', { params: null })).value, null);
});

t.test("ok: process.exitCode is the code's own, and no failure", async (t) => {
  t.equal(
    expectStatus(await resultOf('module.exports = () => { process.exitCode = 3; return 1; }'), 'ok').value,
    1,
  );
});

// ---- threw

t.test('threw: the place is in the code, and not in the module that threw for it', async (t) => {
  const code =
    "const { tableFromIPC } = require('apache-arrow');\n\nmodule.exports = () =>\n  tableFromIPC(null);";
  const { place, stack } = await threw(code, { filename: 'step.js' });
  t.strictSame(place, { file: 'step.js', line: 4, column: 3 }, stack);
});

for (const [what, code, place] of [
  ['an ES module', "\nexport default () => { throw new Error('x'); }", { line: 2 }],
  ['code that is no JavaScript', '\n\nmodule.exports = (', { line: 3 }],
] as const) {
  t.test(`threw: the place, in ${what}`, async (t) => {
    const error = await threw(code, { filename: 'step.js' });
    t.match(error.place, { file: 'step.js', line: place.line }, error.stack);
  });
}

t.test('threw: no place, where the stack has none in the code', async (t) => {
  const error = await threw(
    "module.exports = () => { throw Object.assign(new Error('x'), { stack: 'Error: other.js:1:1' }); }",
  );
  t.equal(error.place, undefined);
});

t.test('threw: a cause has a place of its own', async (t) => {
  const code =
    "module.exports = () => {\n  const cause = new Error('why');\n  throw new Error('what', { cause });\n}";
  const { place, causes } = await threw(code, { filename: 'step.js' });
  t.match([place?.line, causes[0]?.place?.line], [3, 2]);
});

t.test('threw: has name, message, code, stack and causes of the error', async (t) => {
  const error = await threw(`module.exports = () => {
    const cause = Object.assign(new RangeError('inner'), { code: 'E_INNER' });
    throw Object.assign(new TypeError('outer', { cause }), { code: 'E_OUTER' });
  }`);
  t.match(error, { name: 'TypeError', message: 'outer', code: 'E_OUTER' });
  t.match(error.stack, /^TypeError: outer\n {4}at module\.exports \(step\.js:3:25\)/);
  t.match(error.causes, [{ name: 'RangeError', message: 'inner', code: 'E_INNER' }]);
});

t.test('threw: a rejection, and an error while the module is loaded', async (t) => {
  t.match(await threw('export default async () => { throw new Error("rejected"); }'), {
    message: 'rejected',
  });
  t.match(await threw('throw new Error("loading")'), { message: 'loading' });
  t.match(await threw('await 1; throw new Error("loading"); export default 1'), { message: 'loading' });
});

t.test('threw: what is no error', async (t) => {
  t.match(await threw('module.exports = () => { throw "text"; }'), { message: 'text' });
  t.match(await threw('module.exports = () => Promise.reject(undefined)'), { message: 'undefined' });
});

t.test('threw: a syntax error says where', async (t) => {
  const error = await threw('const a = 1;\nconst b = ;\n', { filename: 'my-step.cjs' });
  t.equal(error.name, 'SyntaxError');
  t.match(error.stack, /^my-step\.cjs:2:11\nconst b = ;\n {10}\^/);
});

t.test('threw: code that exports no function', async (t) => {
  t.match(await threw('exports.other = 1'), { code: 'ERR_NO_ENTRY_FUNCTION' });
});

t.test('threw: an error that nobody catches, out of band', async (t) => {
  const inTimer = `module.exports = () => {
    setTimeout(() => { throw new RangeError('late'); }, 1);
    return new Promise(() => {});
  }`;
  t.match(await threw(inTimer), { name: 'RangeError', message: 'late' });
  const unhandled = `module.exports = () => {
    void Promise.reject(new RangeError('nobody waits'));
    return new Promise((resolve) => setTimeout(resolve, 60_000));
  }`;
  t.match(await threw(unhandled), { name: 'RangeError', message: 'nobody waits' });
});

t.test('threw: not if the code handles the error itself', async (t) => {
  const code = `module.exports = () => new Promise((resolve) => {
    process.on('uncaughtException', (error) => resolve(error.message));
    setTimeout(() => { throw new Error('handled'); }, 1);
  });`;
  t.equal(expectStatus(await resultOf(code), 'ok').value, 'handled');
});

t.test('threw: of what no child has, run() says that it has not', async (t) => {
  const missing = { networkInterfaces: /network interfaces/, userInfo: /list of users/, homedir: /HOME/ };
  for (const [name, hint] of Object.entries(missing)) {
    const error = await rejection(zygote.run(`module.exports = () => require('node:os').${name}()`));
    t.match(error, {
      code: 'ERR_CHILD_THREW',
      message: hint,
      result: { error: { code: 'ERR_SYSTEM_ERROR' } },
    });
  }
});

t.test('threw: a working directory that is not there', async (t) => {
  const error = await threw('module.exports = () => 1', { cwd: '/there/is/no/such/folder' });
  t.match(error, { code: 'ENOENT', message: /chdir.*\/there\/is\/no\/such\/folder/ });
});

// ---- exited, signaled

t.test('exited: with a code before the function has returned', async (t) => {
  t.equal(expectStatus(await resultOf('module.exports = () => process.exit(3)'), 'exited').exitCode, 3);
  t.equal(expectStatus(await resultOf('process.exit(0)'), 'exited').exitCode, 0);
  t.equal(
    expectStatus(await resultOf('process.exitCode = 9; module.exports = () => process.exit()'), 'exited')
      .exitCode,
    9,
  );
});

t.test('exited: nothing is left to wait for, and the promise is still pending', async (t) => {
  for (const code of [
    'module.exports = () => new Promise(() => {})',
    'await new Promise(() => {}); export default () => 1',
  ])
    t.equal(expectStatus(await resultOf(code), 'exited').exitCode, 13, code);
  const own = 'process.exitCode = 4; module.exports = () => new Promise(() => {})';
  t.equal(expectStatus(await resultOf(own), 'exited').exitCode, 4);
});

t.test('signaled: says by which signal', async (t) => {
  for (const signal of ['SIGTERM', 'SIGSEGV', 'SIGKILL', 'SIGABRT'] as const) {
    const code = `module.exports = () => {
      process.kill(process.pid, '${signal}');
      for (;;);
    }`;
    t.equal(expectStatus(await resultOf(code), 'signaled').signal, signal);
  }
  t.equal(
    expectStatus(await resultOf('module.exports = () => process.abort()'), 'signaled').signal,
    'SIGABRT',
  );
});

t.test('signaled: kill() sends SIGKILL, and kill(signal) another', async (t) => {
  for (const signal of [undefined, 'SIGTERM', 'SIGUSR2'] as const) {
    const child = await zygote.spawn('for (;;);');
    t.equal(child.kill(signal), true);
    t.equal(expectStatus(await child.result, 'signaled').signal, signal ?? 'SIGKILL');
    t.equal(child.kill(), false);
    t.equal(child.kill('SIGTERM'), false);
  }
});

t.test('a signal that the code handles ends nothing', async (t) => {
  const code = `module.exports = () => new Promise((resolve) => {
    process.on('SIGUSR2', resolve);
    process.stdout.write('ready');
    setInterval(() => {}, 1000);
  });`;
  const child = await zygote.spawn(code);
  await new Promise((resolve) => child.stdout!.once('data', resolve));
  child.kill('SIGUSR2');
  t.equal(expectStatus(await child.result, 'ok').value, 'SIGUSR2');
});

// ---- timedOut, canceled

t.test('timedOut: whatever the code is doing', async (t) => {
  const codes = [
    'for (;;);',
    'await new Promise((resolve) => setTimeout(resolve, 60_000)); export default 1',
    'module.exports = () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)',
    'process.on("SIGTERM", () => {}); process.on("exit", () => { for (;;); }); module.exports = () => 1',
  ];
  for (const code of codes) {
    t.equal(expectStatus(await resultOf(code, undefined, { timeoutMs: 150 }), 'timedOut').timeoutMs, 150);
  }
});

t.test('timedOut: also before the child is ready to run anything', async (t) => {
  for (let i = 0; i < 20; i++) {
    const child = await zygote.spawn('for (;;);', {}, { timeoutMs: 1 + i / 4 });
    t.ok(child.pid > 0);
    t.equal((await child.result).status, 'timedOut');
  }
});

t.test('canceled: by a signal, whose reason it has', async (t) => {
  const reason = new Error('enough');
  const controller = new AbortController();
  const child = await zygote.spawn('for (;;);', {}, { signal: controller.signal });
  controller.abort(reason);
  t.equal(expectStatus(await child.result, 'canceled').reason, reason);
});

t.test('canceled: by disposing of the handle', async (t) => {
  let result;
  {
    await using child = await zygote.spawn('for (;;);');
    result = child.result;
  }
  t.equal((await result).status, 'canceled');
});

t.test('a signal that was aborted already spawns nothing', async (t) => {
  const signal = AbortSignal.abort(new Error('long ago'));
  t.equal(await rejection(zygote.spawn('module.exports = () => 1', {}, { signal })), signal.reason);
  t.equal(await rejection(zygote.run('module.exports = () => 1', {}, { signal })), signal.reason);
  const entry = { module: 'apache-arrow', export: 'tableFromArrays', args: [{}] };
  t.equal(await rejection(zygote.spawnProcess(entry, { signal })), signal.reason);
});

t.test('an abort is never missed, at whichever step of spawn() it comes', async (t) => {
  // In params that are too large for a message, so that there are steps that take time.
  for (const params of [1, 'x'.repeat(5_000_000)]) {
    for (let turns = 0; turns < 12; turns++) {
      const controller = new AbortController();
      const { signal } = controller;
      const running = rejection(zygote.run('for (;;);', { params }, { signal, timeoutMs: 5_000 }));
      for (let i = 0; i < turns; i++) await (turns % 2 ? null : new Promise(setImmediate));
      controller.abort(new Error('now'));
      if (!t.equal(await running, signal.reason, `after ${turns} turns`)) return;
    }
  }
});

// ---- badOutput

t.test('badOutput: a value that can not be sent, and where in it', async (t) => {
  const result = expectStatus(
    await resultOf('module.exports = () => ({ rows: [1, { parse() {} }] })'),
    'badOutput',
  );
  t.equal(result.path, 'value.rows[1].parse');
  t.match(result.reason, /function/);
  expectStatus(await resultOf('const a = []; a.push(a); module.exports = () => a'), 'badOutput');
});

/** Writes the bytes to the result pipe, as only hostile code would, and ends as told. */
async function forge(bytes: Uint8Array, end: string, options?: SpawnOptions): Promise<Result> {
  const code = `${OWN_FDS}
    module.exports = ({ params: bytes }) => {
      const fd = resultFd();
      for (let done = 0; done < bytes.length;) done += fs.writeSync(fd, bytes, done);
      ${end}
    };`;
  return resultOf(code, bytes, options);
}

const frame = Buffer.concat(encodeResult({ kind: 'returned', value: 'forged', tables: [] }));

t.test(
  'a frame of its own is as good as one of the library: it is the word of the child either way',
  async (t) => {
    t.equal(expectStatus(await forge(frame, 'process.exit(0)'), 'ok').value, 'forged');
  },
);

t.test('badOutput: bytes that are no result, whatever the function returns', async (t) => {
  for (const bytes of [Buffer.from('nonsense'), Buffer.alloc(1), Buffer.alloc(100_000, 0xff)]) {
    for (const end of ['return 1', 'process.exit(0)']) t.equal((await forge(bytes, end)).status, 'badOutput');
  }
});

t.test('badOutput: a frame that is cut, said twice, or followed by something', async (t) => {
  const lengths = Array.from({ length: Math.ceil(frame.length / 7) }, (_, i) => 1 + 7 * i);
  const wrong = [
    ...lengths.map((length) => frame.subarray(0, Math.min(length, frame.length - 1))),
    Buffer.concat([frame, frame]),
    Buffer.concat([frame, Buffer.from('x')]),
  ];
  for (const bytes of wrong) t.equal((await forge(bytes, 'process.exit(0)')).status, 'badOutput');
  t.equal((await forge(frame, 'return 1')).status, 'badOutput');
});

t.test('badOutput: not where the process was ended by a signal, or by the host', async (t) => {
  const nonsense = Buffer.from('nonsense');
  const { status } = await forge(nonsense, 'process.kill(process.pid, "SIGTERM"); for (;;);');
  t.equal(status, 'signaled');
  for (const bytes of [nonsense, frame]) {
    t.equal((await forge(bytes, 'for (;;);', { timeoutMs: 200 })).status, 'timedOut');
  }
});

t.test('a frame counts only if the process then ends in the orderly way', async (t) => {
  t.equal(expectStatus(await forge(frame, 'process.exit(4)'), 'exited').exitCode, 4);
  t.equal(expectStatus(await forge(frame, 'process.abort()'), 'signaled').signal, 'SIGABRT');
});

t.test('what a child says of itself counts less than what ended it', async (t) => {
  const full = { name: 'Error', message: 'no space', code: 'ENOSPC' };
  const threw = Buffer.concat(encodeResult({ kind: 'threw', error: full, causes: [] }));
  const outOfMemory = Buffer.concat(encodeResult({ kind: 'outOfMemory' }));
  for (const said of [threw, outOfMemory]) {
    t.equal((await forge(said, 'for (;;);', { timeoutMs: 200 })).status, 'timedOut');
    const signal = AbortSignal.timeout(200);
    t.equal((await forge(said, 'for (;;);', { signal })).status, 'canceled');
  }
  const killed = await forge(threw, 'process.kill(process.pid, "SIGKILL"); for (;;);');
  t.equal(expectStatus(killed, 'signaled').signal, 'SIGKILL');
});

t.test('badOutput: tables that are none, or not where the child says', async (t) => {
  const arrow = tableToIPC(tableFromArrays({ a: Int32Array.of(1, 2, 3) }), 'file');
  const cut = arrow.slice();
  cut.fill(0xff, 16, 64);
  const forgeTables = async (
    content: Uint8Array,
    tables: { name: string; offset: number; length: number }[],
  ) => {
    const code = `${OWN_FDS}
      module.exports = ({ params: { bytes, content } }) => {
        fs.writeSync(outputFd(), content, 0, content.length, 0);
        fs.writeSync(resultFd(), bytes);
        process.exit(0);
      };`;
    const bytes = Buffer.concat(encodeResult({ kind: 'returned', value: null, tables }));
    return resultOf(code, { bytes, content });
  };
  const whole = { name: 'a', offset: 0, length: arrow.length };
  t.equal(expectStatus(await forgeTables(arrow, [whole]), 'ok').tables.a?.numRows, 3);
  t.equal(expectStatus(await forgeTables(cut, [whole]), 'badOutput').path, 'tables.a');
  for (const place of [
    { offset: 0, length: 0 },
    { offset: 0, length: arrow.length - 1 },
    { offset: 1, length: arrow.length },
    { offset: -64, length: arrow.length },
    { offset: 0, length: -1 },
    { offset: 2 ** 40, length: arrow.length },
    { offset: 0, length: 2 ** 52 },
  ]) {
    t.match(
      expectStatus(await forgeTables(arrow, [{ name: 'a', ...place }]), 'badOutput').path,
      /tables[.[]/,
    );
  }
  expectStatus(await forgeTables(arrow, [whole, whole]), 'badOutput');
});

// ---- limitExceeded

t.test('limitExceeded: maxResultBytes, as the library sees it and as the host does', async (t) => {
  const options = { maxResultBytes: 1000 };
  const text = (length: number) => `module.exports = () => 'x'.repeat(${length})`;
  expectStatus(await resultOf(text(900), undefined, options), 'ok');
  const result = expectStatus(await resultOf(text(1000), undefined, options), 'limitExceeded');
  t.match(result, { limit: 'maxResultBytes', max: 1000 });
  for (const end of ['process.exit(0)', 'for (;;);', 'process.abort()']) {
    const forged = expectStatus(await forge(Buffer.alloc(1001), end, options), 'limitExceeded');
    t.match(forged, { limit: 'maxResultBytes', max: 1000 });
  }
});

t.test('limitExceeded: maxResultBytes that not even a refusal fits in', async (t) => {
  for (const maxResultBytes of [0, 1, 10]) {
    const result = expectStatus(
      await resultOf('module.exports = () => 1', undefined, { maxResultBytes }),
      'limitExceeded',
    );
    t.match(result, { limit: 'maxResultBytes', max: maxResultBytes });
  }
});

t.test('limitExceeded: maxTableBytes', async (t) => {
  const code = `const { tableFromArrays } = require('apache-arrow');
    module.exports = ({ params }) => tableFromArrays({ a: new Float64Array(params) });`;
  expectStatus(await resultOf(code, 1000, { maxTableBytes: 10_000 }), 'ok');
  const result = expectStatus(await resultOf(code, 2000, { maxTableBytes: 10_000 }), 'limitExceeded');
  t.match(result, { limit: 'maxTableBytes', max: 10_000 });
});

t.test('the memory for tables is no larger than maxTableBytes, whatever the code writes to it', async (t) => {
  const code = `${OWN_FDS}
    const attempt = (call) => { try { return call(); } catch (error) { return error.code; } };
    module.exports = () => ({
      size: fs.fstatSync(outputFd()).size,
      beyond: attempt(() => fs.writeSync(outputFd(), Buffer.alloc(10), 0, 10, 10_000)),
      grow: attempt(() => fs.ftruncateSync(outputFd(), 20_000)),
    });`;
  const { value } = expectStatus(await resultOf(code, undefined, { maxTableBytes: 10_000 }), 'ok');
  t.strictSame(value, { size: 10_000, beyond: 'EPERM', grow: 'EPERM' });
});

t.test('limitExceeded: depth and number of values', async (t) => {
  const deep = `module.exports = ({ params }) => {
    let value = 1;
    for (let i = 0; i < params; i++) value = [value];
    return value;
  }`;
  expectStatus(await resultOf(deep, 50), 'ok');
  t.match(expectStatus(await resultOf(deep, 5000), 'limitExceeded'), { limit: 'maxResultDepth' });
  const many = 'module.exports = ({ params }) => new Array(params).fill(1)';
  expectStatus(await resultOf(many, 10_000), 'ok');
  t.match(expectStatus(await resultOf(many, 2_000_000), 'limitExceeded'), { limit: 'maxResultElements' });
});

// ---- what every result has

t.test('usage: of every result, and plausible', async (t) => {
  const results = await Promise.all([
    resultOf('module.exports = () => 1'),
    resultOf('throw 1'),
    resultOf('process.exit(1)'),
    resultOf('process.abort()'),
    resultOf('for (;;);', undefined, { timeoutMs: 100 }),
    resultOf('module.exports = () => () => 1'),
    resultOf('module.exports = () => 1', undefined, { maxResultBytes: 5 }),
    zygote.spawn('for (;;);').then((child) => child[Symbol.asyncDispose]().then(() => child.result)),
  ]);
  const statuses = [
    'ok',
    'threw',
    'exited',
    'signaled',
    'timedOut',
    'badOutput',
    'limitExceeded',
    'canceled',
  ];
  t.strictSame(
    results.map(({ status }) => status),
    statuses,
  );
  for (const { status, usage } of results) {
    t.ok(usage.wallMs > 0 && usage.wallMs < 60_000, `${status}: wallMs ${usage.wallMs}`);
    t.ok(usage.userMs >= 0 && usage.systemMs >= 0, `${status}: CPU time`);
    t.ok(usage.userMs + usage.systemMs > 0, `${status}: some CPU time`);
    t.ok(
      usage.peakMemoryBytes > 2 ** 20 && usage.peakMemoryBytes < 2 ** 32,
      `${status}: ${usage.peakMemoryBytes}`,
    );
  }
});

t.test('usage: counts the CPU time and the memory that the code used', async (t) => {
  const code = `module.exports = () => {
    globalThis.kept = Buffer.alloc(200 * 2 ** 20, 1);
    while (process.cpuUsage().user < 200_000);
    return process.cpuUsage().user / 1000;
  }`;
  const result = expectStatus(await resultOf(code), 'ok');
  t.ok(result.usage.userMs >= (result.value as number));
  t.ok(result.usage.peakMemoryBytes >= 200 * 2 ** 20);
  const small = expectStatus(await resultOf('module.exports = () => 1'), 'ok');
  t.ok(small.usage.peakMemoryBytes < 200 * 2 ** 20, 'and those of no other child');
});

t.test('captured: what was written to stdout and stderr, whatever became of the child', async (t) => {
  const capture = { stdout: 'capture', stderr: 'capture' } as const;
  for (const [end, status] of [
    ['return 1', 'ok'],
    ['process.exit(1)', 'exited'],
    ['process.abort()', 'signaled'],
    ['for (;;);', 'timedOut'],
  ] as const) {
    const code = `module.exports = () => { console.log('out ä'); console.error('err'); ${end} }`;
    const { stdout, stderr } = expectStatus(
      await resultOf(code, undefined, { ...capture, timeoutMs: 300 }),
      status,
    );
    t.strictSame([stdout?.text, stdout?.truncated], ['out ä\n', false], status);
    t.strictSame(Buffer.from(stdout!.bytes), Buffer.from('out ä\n'));
    t.strictSame([stderr?.text.slice(0, 4), stderr?.truncated], ['err\n', false], status);
  }
  const uncaptured = await resultOf('module.exports = () => 1');
  t.notOk('stdout' in uncaptured || 'stderr' in uncaptured);
});

t.test('captured: all of it, however much was written just before the end', async (t) => {
  const code = `module.exports = ({ params }) => { process.stdout.write('x'.repeat(params)); return 1; }`;
  const options = { stdout: 'capture', maxCaptureBytes: 10_000_000 } as const;
  for (const length of [60_000, 70_000, 5_000_000]) {
    const { stdout } = expectStatus(await resultOf(code, length, options), 'ok');
    t.strictSame([stdout?.bytes.length, stdout?.truncated], [length, false]);
  }
});

t.test('captured: no more than maxCaptureBytes, and says that it was cut', async (t) => {
  const code = `module.exports = ({ params }) => {
    const { writeSync } = require('node:fs');
    for (const fd of [1, 2]) for (let done = 0; done < params;) done += writeSync(fd, 'x'.repeat(params - done));
  }`;
  const options = { stdout: 'capture', stderr: 'capture', maxCaptureBytes: 1000 } as const;
  for (const [length, truncated] of [
    [999, false],
    [1000, false],
    [1001, true],
    [3_000_000, true],
  ] as const) {
    const result = expectStatus(await resultOf(code, length, options), 'ok');
    for (const { bytes, truncated: cut } of [result.stdout!, result.stderr!]) {
      t.strictSame([bytes.length, cut], [Math.min(length, 1000), truncated], `${length} bytes`);
    }
  }
});

t.test('captured: also what a process wrote that the child had started', async (t) => {
  const exec = await startZygote(t, { sandbox: WITH_PROGRAMS });
  const code = `const { execFileSync } = require('node:child_process');
    module.exports = () => { execFileSync('/bin/echo', ['from below'], { stdio: 'inherit' }); };`;
  t.equal((await exec.run(code, {}, { stdout: 'capture' })).stdout?.text, 'from below\n');
});

// ---- run()

t.test(
  'run() throws a ChildError whose code says what became of the child, and which has the result',
  async (t) => {
    const cases: [code: string, errorCode: string, options?: SpawnOptions][] = [
      ['throw new Error("boo")', 'ERR_CHILD_THREW'],
      ['process.exit(1)', 'ERR_CHILD_EXITED'],
      ['process.abort()', 'ERR_CHILD_SIGNALED'],
      ['for (;;);', 'ERR_CHILD_TIMED_OUT', { timeoutMs: 100 }],
      ['module.exports = () => () => 1', 'ERR_CHILD_BAD_OUTPUT'],
      ['module.exports = () => "xxxxxxxxx"', 'ERR_CHILD_LIMIT_EXCEEDED', { maxResultBytes: 5 }],
    ];
    for (const [code, errorCode, options] of cases) {
      const error = await rejection(zygote.run(code, {}, options));
      if (!(error instanceof ChildError)) throw error;
      t.equal(error.code, errorCode);
      t.equal(error.result.usage.wallMs > 0, true);
      if (error.result.status === 'threw') t.match(error.message, /boo/);
    }
  },
);

t.test('run() throws the reason of a signal that is aborted', async (t) => {
  const controller = new AbortController();
  const running = rejection(zygote.run('for (;;);', {}, { signal: controller.signal }));
  setTimeout(() => {
    controller.abort(new Error('stop'));
  }, 50);
  t.equal(await running, controller.signal.reason);
});

t.test('run() resolves to the result that is ok', async (t) => {
  const { status, value, usage } = await zygote.run('module.exports = ({ params }) => params * 2', {
    params: 21,
  });
  t.strictSame([status, value, usage.wallMs > 0], ['ok', 42, true]);
});

t.test('limitExceeded: more than outputBytes on a captured stream, while a sibling goes on', async (t) => {
  const flooded = await startZygote(t, { sandbox: { limits: { outputBytes: 5_000_000 } } });
  const sibling = flooded.run('module.exports = () => new Promise((resolve) => setTimeout(resolve, 500, 1))');
  for (const [fd, stream] of [
    [1, 'stdout'],
    [2, 'stderr'],
  ] as const) {
    const code = `const line = 'x'.repeat(10_000) + '\\n';
      module.exports = () => { for (;;) require('node:fs').writeSync(${fd}, line); };`;
    const child = await flooded.spawn(
      code,
      {},
      { stdout: 'capture', stderr: 'capture', maxCaptureBytes: 100 },
    );
    const result = expectStatus(await child.result, 'limitExceeded');
    t.match(result, { limit: 'outputBytes', max: 5_000_000 });
    t.match(result[stream], { truncated: true, text: 'x'.repeat(100) });
  }
  t.equal((await sibling).value, 1);
});
