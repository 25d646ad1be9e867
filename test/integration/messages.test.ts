// What goes in comes out, however large and however much at once.
import type * as Arrow from 'apache-arrow';
import { Table, tableFromArrays, tableToIPC } from 'apache-arrow';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer, text } from 'node:stream/consumers';
import t, { type Test } from 'tap';
import { SharedTable, type ChildProcess, type TableInput } from '../../lib/index.js';
import { collectGarbage } from '../helpers/garbage.js';
import { HostProgram } from '../helpers/host-program.js';
import { asOtherUser } from '../helpers/other-user.js';
import { NO_POOL, rejection, startZygote } from '../helpers/zygote.js';

const zygote = await startZygote(t, { preload: ['apache-arrow', './entries.cjs', './es-module.mjs'] });

const MB = 2 ** 20;

function numbers(length: number, from = 0): Table {
  return tableFromArrays({ n: Float64Array.from({ length }, (_, i) => from + i) });
}

function sum(table: Table | undefined): number {
  return table?.toArray().reduce((total: number, { n }: { n: number }) => total + n, 0) as number;
}

const SUMS = `module.exports = ({ tables }) => Object.fromEntries(Object.entries(tables).map(([name, table]) =>
  [name, [...table].reduce((total, { n }) => total + n, 0)]));`;

// ---- size

t.test('code of 50 MB', async (t) => {
  const code = `module.exports = () => text.length; const text = '${'x'.repeat(50 * MB)}';`;
  t.equal((await zygote.run(code)).value, 50 * MB);
});

t.test('params of 50 MB, there and back', async (t) => {
  const bytes = randomBytes(50 * MB);
  const limits = { maxResultBytes: 64 * MB, maxResultElements: 200_000 };
  const { value } = await zygote.run('module.exports = ({ params }) => params', { params: bytes }, limits);
  t.ok(bytes.equals(value as Uint8Array), 'bytes');
  const params = { text: 'ä'.repeat(12 * MB), list: Array.from({ length: 100_000 }, (_, i) => i) };
  const back = (await zygote.run('module.exports = ({ params }) => params', { params }, limits))
    .value as typeof params;
  t.ok(back.text === params.text && back.list.length === params.list.length, 'text and numbers');
});

t.test('a job of any size around what a message takes', async (t) => {
  for (let length = 32 * 1024 - 300; length < 32 * 1024 + 50; length += 7) {
    const { value } = await zygote.run('module.exports = ({ params }) => params.length', {
      params: 'x'.repeat(length),
    });
    if (value !== length) t.equal(value, length);
  }
  t.pass('none is lost');
});

t.test('bytes of tables of any size around what goes with the job, in memory of any kind', async (t) => {
  const code = `module.exports = ({ tables }) => ({ value: Object.values(tables).map(({ numRows }) => numRows), tables })`;
  for (const rows of [0, 1, 900, 1000, 2000, 2100, 140_000]) {
    const bytes = tableToIPC(numbers(rows));
    const shared = new Uint8Array(new SharedArrayBuffer(bytes.byteLength + 8), 8);
    shared.set(bytes);
    const { value, tables } = await zygote.run(code, { tables: { a: bytes, b: shared } });
    t.strictSame(value, [rows, rows]);
    for (const name of ['a', 'b']) t.equal(sum(tables[name]), (rows * (rows - 1)) / 2, `${rows} rows`);
  }
});

t.test('what the caller changes after the call, the code does not see', async (t) => {
  const code = `module.exports = ({ params, tables }) => [params.i, ...Object.values(tables).map(({ numRows }) => numRows)]`;
  const params = { i: 0 };
  const calls = [undefined, tableToIPC(numbers(10)), tableToIPC(numbers(2100)), numbers(5)].map(
    async (table, i) => {
      params.i = i;
      const call = zygote.run(code, { params, ...(table && { tables: { table } }) });
      if (table instanceof Uint8Array) table.fill(0);
      return (await call).value;
    },
  );
  t.strictSame(await Promise.all(calls), [[0], [1, 10], [2, 2100], [3, 5]]);
});

t.test('a table of which the child reads a row costs it no more than that', async (t) => {
  const table = numbers(32 * MB);
  const { value, usage } = await zygote.run('module.exports = ({ tables }) => tables.table.get(7).n', {
    tables: { table },
  });
  t.equal(value, 7);
  t.ok(usage.peakMemoryBytes < 200 * MB, `${usage.peakMemoryBytes} of ${256 * MB}`);
});

// ---- tables

t.test('tables that the host has made by either copy of apache-arrow, imported or required', async (t) => {
  const required = createRequire(import.meta.url)('apache-arrow') as typeof Arrow;
  t.not(required.Table, Table);
  const table = required.tableFromArrays({ n: Int32Array.of(1, 2), text: ['a', 'b'] });
  const code = 'module.exports = ({ tables }) => [...tables.table].map((row) => row.toJSON())';
  const rows = [
    { n: 1, text: 'a' },
    { n: 2, text: 'b' },
  ];
  t.strictSame((await zygote.run(code, { tables: { table } })).value, rows);
  using shared = await SharedTable.from(table);
  t.strictSame((await zygote.run(code, { tables: { table: shared } })).value, rows);
  // A third copy, as a package of another version would bring.
  const others = { schema: { fields: [{ type: {} }] }, batches: [] } as unknown as Table;
  t.match(await rejection(zygote.run(code, { tables: { table: others } })), {
    code: 'ERR_INVALID_OPTION',
    option: 'inputs.tables.table',
    message: /tableToIPC/,
  });
});

t.test(
  'a table that a preloaded module has made by a copy of its own is refused, and it is said why',
  async (t) => {
    const own = await startZygote(t, { preload: ['apache-arrow', './esm-tables.mjs'] });
    const { tables } = await own.run("module.exports = require('./esm-tables.mjs').byRequire");
    t.equal(tables.table?.numRows, 2);
    const refused = await rejection(own.run("module.exports = require('./esm-tables.mjs').imported"));
    t.match(refused, { code: 'ERR_CHILD_BAD_OUTPUT', message: /another copy of apache-arrow/ });
  },
);

t.test('tables in each form in which they can be given', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'nodespawner-tables-'));
  t.teardown(() => {
    rmSync(folder, { recursive: true });
  });
  const file = join(folder, 'table.arrow');
  writeFileSync(file, tableToIPC(numbers(5000), 'file'));
  const fd = openSync(file, 'r');
  t.teardown(() => {
    closeSync(fd);
  });
  const tables: Record<string, TableInput> = {
    table: numbers(10),
    empty: numbers(0),
    file: tableToIPC(numbers(100), 'file'),
    stream: tableToIPC(numbers(1000), 'stream'),
    part: Buffer.concat([Buffer.alloc(3), tableToIPC(numbers(10), 'stream')]).subarray(3),
    descriptor: { fd },
    again: { fd },
  };
  const sums = {
    table: 45,
    empty: 0,
    file: 4950,
    stream: 499_500,
    part: 45,
    descriptor: 12_497_500,
    again: 12_497_500,
  };
  for (let i = 0; i < 2; i++) t.strictSame((await zygote.run(SUMS, { tables })).value, sums);
});

t.test('many tables, under any names', async (t) => {
  const names = [...Array.from({ length: 200 }, (_, i) => `table ${i}`), 'ä', '', 'constructor', 'toString'];
  const tables = Object.fromEntries(names.map((name, i) => [name, numbers(3, i)]));
  const code = `module.exports = ({ tables }) => ({ value: Object.keys(tables).length, tables: { ...tables } })`;
  const result = await zygote.run(code, { tables });
  t.equal(result.value, names.length);
  t.strictSame(Object.keys(result.tables).sort(), [...names].sort());
  for (const [i, name] of names.entries()) {
    if (sum(result.tables[name]) !== 3 * i + 3) t.equal(sum(result.tables[name]), 3 * i + 3, name);
  }
});

t.test('a table named __proto__ is a table', async (t) => {
  const tables = JSON.parse('{ "__proto__": 1 }') as Record<string, TableInput>;
  Object.defineProperty(tables, '__proto__', { value: numbers(3), enumerable: true });
  const code = `module.exports = ({ tables }) => Object.keys(tables).concat(Object.getPrototypeOf(tables) === Object.prototype)`;
  t.strictSame((await zygote.run(code, { tables })).value, ['__proto__', true]);
});

t.test('a table that one child returned is given to the next', async (t) => {
  const code = `const { tableFromArrays } = require('apache-arrow');
    module.exports = ({ tables: { table } }) => tableFromArrays({ n: Float64Array.from(table, ({ n }) => n * 2) });`;
  let table = numbers(1000);
  for (let i = 0; i < 3; i++) table = (await zygote.run(code, { tables: { table } })).tables.table!;
  t.equal(sum(table), 499_500 * 8);
});

t.test('what a child does to its table, the host does not see', async (t) => {
  const bytes = tableToIPC(numbers(100), 'file');
  const before = Buffer.from(bytes);
  const code = `module.exports = ({ tables: { table } }) => {
    const { values } = table.getChildAt(0).data[0];
    values.fill(7);
    new Uint8Array(values.buffer).fill(1);
    return table.get(3).n;
  }`;
  t.ok((await zygote.run(code, { tables: { table: bytes } })).value !== 3);
  t.ok(before.equals(bytes));
  t.strictSame((await zygote.run(SUMS, { tables: { table: bytes } })).value, { table: 4950 });
});

t.test('what is no table is refused, or the child can not read it', async (t) => {
  for (const input of [1, 'text', {}, { fd: -1 }, { fd: 12_345 }, null]) {
    const error = await rejection(zygote.run(SUMS, { tables: { table: input as unknown as TableInput } }));
    t.match(error, { code: 'ERR_INVALID_OPTION', option: 'inputs.tables.table' });
  }
  const without = await startZygote(t);
  t.match(await rejection(without.run(SUMS, { tables: { table: numbers(1) } })), {
    code: 'ERR_ARROW_NOT_PRELOADED',
  });
});

// ---- number

t.test('200 calls at once', async (t) => {
  const code = `module.exports = async ({ params, tables: { table } }) => {
    await new Promise((resolve) => setTimeout(resolve, 20));
    return { value: [params, table.numRows], tables: { table } };
  }`;
  const results = await Promise.all(
    Array.from({ length: 200 }, (_, i) => zygote.run(code, { params: i, tables: { table: numbers(i + 1) } })),
  );
  for (const [i, { value, tables }] of results.entries()) {
    const expected = [i, i + 1, i + 1];
    const actual = [...(value as number[]), tables.table?.numRows];
    if (String(actual) !== String(expected)) t.strictSame(actual, expected);
  }
  t.equal(results.length, 200);
});

t.test('more calls than a zygote may have children: each is settled, and the next ones work', async (t) => {
  const code = 'module.exports = () => new Promise((resolve) => setTimeout(resolve, 200, 1))';
  const outcomes = await Promise.allSettled(Array.from({ length: 350 }, () => zygote.run(code)));
  const failed = outcomes.filter((outcome) => outcome.status === 'rejected');
  for (const { reason } of failed) t.match(reason, { code: 'ERR_SPAWN_FAILED', errno: 'EAGAIN' });
  t.ok(outcomes.length - failed.length >= 200, `${failed.length} failed`);
  t.equal((await zygote.run('module.exports = () => 1')).value, 1);
});

t.test('what kept children from being had is forgotten when it is over', async (t) => {
  const unpooled = await startZygote(t, { pool: NO_POOL });
  const options = { stdin: 'ignore', stdout: 'ignore', stderr: 'ignore' } as const;
  const calls = Array.from({ length: 260 }, () =>
    unpooled.spawn(
      'module.exports = () => new Promise((resolve) => setTimeout(resolve, 2 ** 30))',
      {},
      options,
    ),
  );
  const started = (await Promise.allSettled(calls)).flatMap((call) => ('value' in call ? [call.value] : []));
  t.ok(started.length < calls.length);
  for (const child of started) child.kill('SIGKILL');
  await Promise.all(started.map(({ result }) => result));
  for (let i = 0; i < 4; i++) t.equal((await unpooled.run('module.exports = () => 1')).value, 1);
});

/** A host that may have few descriptors makes many calls, and more calls once they are over. */
async function runWithFewFds(t: Test, fds: number, calls: number, through: readonly string[]) {
  const source = `
    import { readdirSync } from 'node:fs';
    const zygote = await Zygote.start({ preload: [], pool: { min: 0, max: 0 } });
    await zygote.run('module.exports = () => 1');
    const before = readdirSync('/proc/self/fd').length;
    const params = 'x'.repeat(100_000);
    const outcomes = await Promise.allSettled(Array.from({ length: ${calls} }, (_, i) =>
      zygote.run('module.exports = ({ params }) => params.length', { params: i % 2 ? params : 'x' }, { stdout: 'capture', stderr: 'capture' })));
    const later = await zygote.run('module.exports = () => 1');
    say({
      codes: [...new Set(outcomes.map(({ reason }) => reason?.code ?? 'ok'))],
      errnos: [...new Set(outcomes.flatMap(({ reason }) => reason?.errno ?? []))],
      later: later.value,
      leaked: readdirSync('/proc/self/fd').length - before,
    });
    await zygote.close();`;
  const host = new HostProgram(t, source, {
    through: ['sh', '-c', `ulimit -n ${fds} && exec "$@"`, 'sh', ...through],
  });
  return host.next<{ codes: string[]; errnos: string[]; later: number; leaked: number }>();
}

t.test('more calls than the host has descriptors for: each is settled, and nothing stays open', async (t) => {
  const { codes, errnos, later, leaked } = await runWithFewFds(t, 80, 100, []);
  t.strictSame(codes.sort(), ['ERR_SPAWN_FAILED', 'ok']);
  t.strictSame(errnos, ['EMFILE']);
  t.strictSame({ later, leaked }, { later: 1, leaked: 0 });
});

t.test('more descriptors in flight than a user may have: the calls wait for each other', async (t) => {
  const { codes, later, leaked } = await runWithFewFds(t, 1024, 110, asOtherUser());
  t.strictSame({ codes, later, leaked }, { codes: ['ok'], later: 1, leaked: 0 });
});

// ---- entries

async function outputOf(child: ChildProcess): Promise<string> {
  child.stdin?.end();
  return text(child.stdout!);
}

t.test('an entry gets its arguments, and argv and env of its own', async (t) => {
  const args = [1, 'ä', null, [true, { a: 2n ** 60n }], Uint8Array.of(1), new Date(0), new Map([['k', -0]])];
  const options = { argv: ['--a', 'b'], env: { C: 'd' } };
  const child = await zygote.spawnProcess({ module: './entries.cjs', export: 'describe', args }, options);
  t.strictSame(JSON.parse(await outputOf(child)), {
    args: [
      '1',
      "'ä'",
      'null',
      '[ true, { a: 1152921504606846976n } ]',
      'Uint8Array(1) [ 1 ]',
      '1970-01-01T00:00:00.000Z',
      "Map(1) { 'k' => -0 }",
    ],
    argv: options.argv,
    env: options.env,
  });
  t.match(await child.wait(), { exitCode: 0, signal: null, killed: null });
});

t.test('an entry has raw streams: bytes go through unchanged', async (t) => {
  const bytes = randomBytes(5 * MB);
  const child = await zygote.spawnProcess({ module: './entries.cjs', export: 'echo' });
  child.stdin!.end(bytes);
  t.ok(bytes.equals(await buffer(child.stdout!)));
  const { exitCode, usage } = await child.wait();
  t.equal(exitCode, 0);
  t.ok(usage.wallMs > 0 && usage.peakMemoryBytes > MB);
});

t.test('an entry is found under its name, or is the default', async (t) => {
  t.equal(await outputOf(await zygote.spawnProcess({ module: './entries.cjs' })), 'the default');
  const child = await zygote.spawnProcess({ module: './es-module.mjs', export: 'default', args: ['x'] });
  t.match(await child.wait(), { exitCode: 0 });
  const missing = await zygote.spawnProcess(
    { module: './entries.cjs', export: 'missing' },
    { stderr: 'capture' },
  );
  const { exitCode, stderr } = await missing.wait();
  t.equal(exitCode, 1);
  t.match(stderr?.text, /'\.\/entries\.cjs' exports no function named 'missing'/);
});

t.test('an entry ends as a program does', async (t) => {
  const run = (name: string, args: unknown[]) =>
    zygote.spawnProcess(
      { module: './entries.cjs', export: name, args },
      { stdout: 'capture', stderr: 'capture' },
    );
  t.match(await (await run('exitWith', [7])).wait(), { exitCode: 7, signal: null });
  const rejected = await (await run('reject', ['no'])).wait();
  t.equal(rejected.exitCode, 1);
  t.match(rejected.stderr?.text, /RangeError: no/);
  const nowhere = await zygote.spawnProcess(
    { module: './entries.cjs' },
    { cwd: '/no/such/folder', stderr: 'capture' },
  );
  const { exitCode, stderr } = await nowhere.wait();
  t.equal(exitCode, 1);
  t.match(stderr?.text, /ENOENT.*chdir/);
});

t.test('an entry gets signals, and can be killed', async (t) => {
  const child = await zygote.spawnProcess({ module: './entries.cjs', export: 'endOn', args: ['SIGTERM', 9] });
  await new Promise((resolve) => child.stdout!.once('data', resolve));
  child.kill('SIGTERM');
  t.match(await child.wait(), { exitCode: 9, signal: null });
  const waiting = await zygote.spawnProcess({ module: './entries.cjs', export: 'wait' });
  waiting.kill();
  t.match(await waiting.wait(), { exitCode: null, signal: 'SIGKILL', killed: null });
  const late = await zygote.spawnProcess({ module: './entries.cjs', export: 'wait' }, { timeoutMs: 50 });
  t.match(await late.wait(), { exitCode: null, signal: 'SIGKILL', killed: 'timedOut' });
});

t.test('inherit: what a child writes goes where the host writes', (t) => {
  const library = new URL('../../lib/index.js', import.meta.url).href;
  const source = `import { Zygote } from '${library}';
    const zygote = await Zygote.start({ preload: [] });
    await zygote.run('console.log("from the child"); module.exports = () => 1', {}, { stdout: 'inherit' });
    console.log('from the host');`;
  const output = execFileSync(process.execPath, ['--input-type=module', '-e', source], { encoding: 'utf8' });
  t.equal(output, 'from the child\nfrom the host\n');
  t.end();
});

t.test("inherit: a child has nothing of the host's file, and can neither read it nor empty it", (t) => {
  const log = join(t.testdir(), 'log');
  writeFileSync(log, 'of yesterday\n');
  const library = new URL('../../lib/index.js', import.meta.url).href;
  const source = `import { Zygote } from '${library}';
    const zygote = await Zygote.start({ preload: [] });
    const code = \`const fs = require('node:fs');
      const tried = (f) => { try { return String(f()); } catch (error) { return error.code; } };
      module.exports = () => [
        tried(() => fs.readFileSync('/proc/self/fd/1', 'utf8')), tried(() => fs.ftruncateSync(1, 0)),
        tried(() => fs.readSync(1, Buffer.alloc(10), 0, 10, 0)),
      ];\`;
    const { value } = await zygote.run(code, {}, { stdout: 'inherit' });
    await zygote.run('console.log("of today"); module.exports = () => 1', {}, { stdout: 'inherit' });
    console.log(JSON.stringify(value));`;
  const fd = openSync(log, 'a+');
  execFileSync(process.execPath, ['--input-type=module', '-e', source], { stdio: ['ignore', fd, 'inherit'] });
  closeSync(fd);
  const [yesterday, today, told] = readFileSync(log, 'utf8').split('\n');
  t.strictSame([yesterday, today], ['of yesterday', 'of today']);
  for (const error of JSON.parse(told ?? '') as string[]) t.match(error, /^E[A-Z]+$/);
  t.end();
});

t.test('after all this nothing is open that was not before the first call', async (t) => {
  // The memory of a table that came out of a child is open until the table is collected.
  for (let round = 0; round < 20 && openFiles().length >= 40; round++) {
    collectGarbage();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  t.ok(openFiles().length < 40, openFiles().join());
});

function openFiles(): string[] {
  return readdirSync('/proc/self/fd').map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return 'the directory itself';
    }
  });
}
