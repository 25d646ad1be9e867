// Whatever a child does to the memory that its tables are in: the host never crashes, and reads nothing that can change.
import { fstatSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import {
  makeData,
  RecordBatch,
  Schema,
  Field,
  Struct,
  Table,
  tableFromArrays,
  tableToIPC,
  TimeSecond,
} from 'apache-arrow';
import t, { type Test } from 'tap';
import type { Result } from '../../lib/index.js';
import { encodeResult, type OutputTable } from '../../protocol/messages.js';
import { buildRaw, Lab } from '../helpers/security/lab.js';
import { expectStatus } from '../helpers/zygote.js';

const addon = buildRaw(t);
const lab = await Lab.start(t, addon, {}, { preload: ['apache-arrow'] });
/** Here, processes can be started. */
const forking = await Lab.start(t, addon, { profile: 'exec' }, { preload: ['apache-arrow'] });

/** Here, the filter lets all system calls through: it refuses to seal. */
const unfiltered = await Lab.start(t, addon, { off: ['syscalls'] }, { preload: ['apache-arrow'] });

t.afterEach(async () => {
  if (!(await lab.works()) || !(await forking.works())) throw new Error('the next child does not work');
});

const ROWS = 4096;
const table = tableToIPC(tableFromArrays({ n: new Float64Array(ROWS).fill(1.5) }), 'stream');
/** Where its values begin: at the first of them. */
const VALUES = Buffer.from(table).indexOf(Buffer.from(Float64Array.of(1.5, 1.5).buffer));
const SIZE = 2 ** 20;

const frame = (...tables: OutputTable[]): Buffer =>
  Buffer.concat(encodeResult({ kind: 'returned', value: null, tables }));
const whole: OutputTable = { name: 't', offset: 0, length: table.byteLength };

/** Does something with the memory, which holds a table that is fine, and then says that this is the result. */
async function forge(
  how: Lab,
  body: string,
  { content = table, tables = [whole], maxTableBytes = SIZE }: { content?: Uint8Array; tables?: OutputTable[]; maxTableBytes?: number } = {},
): Promise<Result> {
  const code = `
    const fd = outputFd();
    fs.writeSync(fd, params.content, 0, params.content.length, 0);
    ${body}
    fs.writeSync(resultFd(), params.frame);
    process.reallyExit(0);`;
  return how.attack(code, { content, frame: frame(...tables) }, { timeoutMs: 20_000, maxTableBytes, stderr: 'capture' });
} // prettier-ignore

function isWhole(t: Test, result: Result, name: string): void {
  const values = expectStatus(result, 'ok').tables.t?.getChild('n')?.toArray() as Float64Array;
  t.ok(values.length === ROWS && values.every((value) => value === 1.5), name);
}

t.test('the memory can not be made larger, and has no bytes after its end', async (t) => {
  const code = `
    const fd = outputFd(), path = '/proc/self/fd/' + fd, { size } = fs.fstatSync(fd);
    const got = {
      lengthen: attempt(() => fs.ftruncateSync(fd, size + 1)),
      byPath: attempt(() => fs.truncateSync(path, size + 1)),
      allocate: sys('fallocate', fd, 0, size, 4096),
      keepSize: sys('fallocate', fd, 1, size, 4096),
      collapse: sys('fallocate', fd, 8, 0, 4096),
      insert: sys('fallocate', fd, 32, 0, 4096),
      after: attempt(() => fs.writeSync(fd, Buffer.alloc(1), 0, 1, size)),
      farAfter: attempt(() => fs.writeSync(fd, Buffer.alloc(1), 0, 1, 2 ** 40)),
      across: attempt(() => fs.writeSync(fd, Buffer.alloc(128), 0, 128, size - 64)),
    };
    return { value: { ...got, size: fs.fstatSync(fd).size === size }, tables: { t: require('apache-arrow').tableFromArrays({ n: new Float64Array(${ROWS}).fill(1.5) }) } };`;
  const result = expectStatus(await lab.attack(code, {}, { maxTableBytes: SIZE }), 'ok');
  const { keepSize, across, ...others } = result.value as Record<string, unknown>;
  t.strictSame(others, {
    lengthen: 'EPERM',
    byPath: 'EPERM',
    allocate: 'EPERM',
    collapse: 'EOPNOTSUPP',
    insert: 'EOPNOTSUPP',
    after: 'EPERM',
    farAfter: 'EFBIG', // beyond the size that any file may have
    size: true,
  });
  t.ok(['EPERM', 'EINVAL', 'EOPNOTSUPP'].includes(String(keepSize)), String(keepSize));
  t.ok(across === 'EPERM' || across === 64, 'up to the end at most');
  isWhole(t, result, 'the table is as it was');
});

t.test('memory that a child cuts off is gone for its own tables, and for nothing else', async (t) => {
  const cut = (length: number) => forge(lab, `fs.ftruncateSync(fd, ${length});`);
  for (const length of [0, 4096, whole.length - 1])
    t.match(await cut(length), { status: 'badOutput', path: 'tables', reason: /can't be sealed: EPERM/ });
  isWhole(t, await cut(whole.length), 'all that it needs is there');
  const early = await lab.attack(`
    fs.ftruncateSync(outputFd(), 0);
    return require('apache-arrow').tableFromArrays({ n: [1] });`);
  t.match(early, { status: 'threw', error: { code: 'EPERM' } }, 'and does not grow again');
});

t.test('who is given the table of another finds no room behind it, and makes none', async (t) => {
  const given = expectStatus(await forge(lab, ''), 'ok').tables.t!;
  const code = `
    const [, from, to] = lines('/proc/self/maps').find((line) => line.includes('/memfd:nodespawner-output')).match(/^(\\w+)-(\\w+)/);
    const start = BigInt('0x' + from), end = BigInt('0x' + to), MAY_MOVE = 1;
    const moved = sys('mremap', start, end - start, ${2 * SIZE}, MAY_MOVE);
    if (typeof moved !== 'number') throw new Error(moved);
    const file = fs.openSync('/tmp/file', 'w');
    const read = (at) => sys('write', file, BigInt(moved) + BigInt(at), 1);
    return [read(0), read(Number(end - start) - 1), read(end - start), read(${SIZE})];`;
  const found = await lab.attack(code, undefined, { tables: { given } });
  t.strictSame(expectStatus(found, 'ok').value, [1, 1, 'EFAULT', 'EFAULT']);
}); // prettier-ignore

t.test('what lies behind the tables is not kept with them', async (t) => {
  const maxTableBytes = 32 * SIZE;
  // Known by its size.
  const marked = tableToIPC(
    tableFromArrays({ n: new Float64Array(ROWS).fill(1.5), mark: new Int32Array(ROWS) }),
    'stream',
  );
  const fill = `for (let at = ${SIZE}; at < ${maxTableBytes}; at += ${SIZE}) fs.writeSync(fd, Buffer.alloc(${SIZE}, 1), 0, ${SIZE}, at);`;
  const tables = [{ ...whole, length: marked.byteLength }];
  const result = await forge(lab, fill, { content: marked, tables, maxTableBytes });
  isWhole(t, result, 'the table is fine');
  const kept = readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith('/memfd:nodespawner-output')
        ? [fstatSync(Number(fd))]
        : [];
    } catch {
      return []; // that of the listing itself
    }
  });
  const ours = kept.filter(({ size }) => size === marked.byteLength);
  t.equal(ours.length, 1);
  for (const { blocks } of ours) t.ok(blocks * 512 <= 4 * SIZE, `${blocks * 512} bytes`);
});

t.test('the batches of all tables together are limited', async (t) => {
  const code = (count: number): string => `
    const { Table, RecordBatch, tableFromArrays } = require('apache-arrow');
    const [batch] = tableFromArrays({ n: Int32Array.of() }).batches.concat(tableFromArrays({ n: Int32Array.of(1) }).batches);
    const many = () => new Table(Array.from({ length: 300 }, () => batch));
    return { tables: Object.fromEntries(Array.from({ length: ${count} }, (_, i) => ['t' + i, many()])) };`;
  const one = expectStatus(await lab.attack(code(1)), 'ok');
  t.equal(one.tables.t0?.batches.length, 300);
  const { reason } = expectStatus(await lab.attack(code(200)), 'badOutput');
  t.match(reason, /maxChunks/);
});

t.test(
  'the dictionaries of all tables together are limited, whose caches take much more than their bytes',
  async (t) => {
    const code = (count: number): string => `
    const { Table, Vector, Dictionary, Null, Int32, makeData } = require('apache-arrow');
    const dictionary = new Vector([makeData({ type: new Null(), length: 100_000 })]);
    const type = new Dictionary(new Null(), new Int32(), 1);
    const table = () => new Table({ n: new Vector([makeData({ type, length: 1, data: Int32Array.of(0), dictionary })]) });
    return { tables: Object.fromEntries(Array.from({ length: ${count} }, (_, i) => ['t' + i, table()])) };`;
    t.equal(expectStatus(await lab.attack(code(1)), 'ok').tables.t0?.numRows, 1);
    const { reason } = expectStatus(await lab.attack(code(40)), 'badOutput');
    t.match(reason, /maxVirtualValues/);
  },
);

t.test('memory with a hole in it is refused, wherever the hole is', async (t) => {
  const refused = { status: 'badOutput', path: 'tables' };
  const hole = (from: number, length: number) => forge(lab, `sys('fallocate', fd, 3, ${from}, ${length});`);
  t.match(await hole(0, SIZE), { ...refused, reason: /a hole at byte 0/ });
  t.match(await hole(4096, 4096), { ...refused, reason: /a hole at byte 4096/ });
  t.match(await hole(32_768, SIZE - 32_768), { ...refused, reason: /a hole at byte 32768/ });
  const unwritten = await forge(lab, '', { content: new Uint8Array(0), tables: [{ name: 't', offset: 0, length: 4096 }] });
  t.match(unwritten, { ...refused, reason: /a hole at byte 0/ });
  const allocated = await forge(lab, `sys('fallocate', fd, 3, 4096, 4096); sys('fallocate', fd, 0, 4096, 4096);`);
  t.match(allocated, { ...refused, reason: /a hole at byte 4096/ });
  const behind = await forge(lab, `sys('fallocate', fd, 3, 65536, ${SIZE - 65_536});`);
  isWhole(t, behind, 'nobody looks behind the last table');
}); // prettier-ignore

/** The values of a table that something has counted in, now and a while later. */
async function twice(t: Test, result: Result): Promise<void> {
  const values = expectStatus(result, 'ok').tables.t!.getChild('n')!.toArray() as Float64Array;
  const before = values.slice();
  t.ok(before[0] !== 1.5, 'it was written to');
  await new Promise((resolve) => setTimeout(resolve, 100));
  t.strictSame(Buffer.from(values.buffer, values.byteOffset, values.byteLength).equals(Buffer.from(before.buffer)), true, 'and is not any more');
} // prettier-ignore

t.test('a descendant that holds the memory open, has mapped it and writes to it ends before it is read', async (t) => {
  const body = `
    const counter = raw.scribble(fd, ${SIZE}, ${VALUES});
    const count = () => raw.read(counter, 8).readBigUInt64LE();
    for (let seen = count(), times = 0; times < 10; ) { const next = count(); if (next !== seen) times++; seen = next; }`;
  for (let i = 0; i < 5; i++) await twice(t, await forge(forking, body));
}); // prettier-ignore

t.test('a thread that writes to the memory ends before it is read', async (t) => {
  const body = `
    const { Worker } = require('node:worker_threads');
    const at = raw.map(fd, ${SIZE}, 3, 1) + ${VALUES}n;
    new Worker(\`const m = { exports: {} }; process.dlopen(m, \${JSON.stringify(${JSON.stringify(addon)})}); for (let i = 0; ; i++) m.exports.fill(\${at}n, i & 0x3f, 4096);\`, { eval: true });
    const first = () => raw.read(at, 8).readBigUInt64LE();
    for (let seen = first(), times = 0; times < 10; ) { const next = first(); if (next !== seen) times++; seen = next; await sleep(0); }`;
  for (let i = 0; i < 3; i++) await twice(t, await forge(lab, body));
});

t.test('a child can not seal', async (t) => {
  const told = await lab.value(`return [1, 8, 16].map((seals) => sys('fcntl', outputFd(), 1033, seals))`);
  t.strictSame(told, ['ENOSYS', 'ENOSYS', 'ENOSYS']);
});

t.test('seals that a child sets itself prevent nothing but its own result', async (t) => {
  const SEAL = 1, WRITE = 8, FUTURE_WRITE = 16, EXEC = 32; // prettier-ignore
  const sealing = (seals: number, before = '') => forge(unfiltered, `${before} if (sys('fcntl', fd, 1033, ${seals}) !== 0) throw new Error('not sealed');`);
  isWhole(t, await sealing(WRITE), 'against writing: it has done what the host does');
  isWhole(t, await sealing(FUTURE_WRITE, `raw.map(fd, ${SIZE}, 3, 1);`), 'against writing anew, with a mapping kept');
  isWhole(t, await sealing(EXEC), 'against making it a program');
  for (const seals of [SEAL, SEAL | WRITE, SEAL | FUTURE_WRITE]) {
    t.match(await sealing(seals), { status: 'badOutput', path: 'tables', reason: /can't be sealed: EPERM/ });
  }
  const early = await unfiltered.attack(`
    sys('fcntl', outputFd(), 1033, ${WRITE});
    return require('apache-arrow').tableFromArrays({ n: [1] });`);
  t.match(early, { status: 'threw', error: { code: 'EPERM' } }, 'sealed before anything was written');
}); // prettier-ignore

t.test('what a child puts in the place of the memory, the host does not look at', async (t) => {
  const places = {
    'a file with a table': `fs.writeFileSync('/tmp/other', params.content); const other = fs.openSync('/tmp/other', 'r+');`,
    'a device': `const other = fs.openSync('/dev/zero', 'r+');`,
    'a device without an end': `const other = fs.openSync('/dev/full', 'r+');`,
    'a symbolic link': `fs.symlinkSync('/proc/self/mem', '/tmp/link'); const other = sys('open', text('/tmp/link'), 0o10000000 | 0o400000);`,
    'a directory': `const other = fs.openSync('/tmp', 'r');`,
    nothing: `fs.closeSync(fd); const other = fd;`,
  };
  for (const [name, open] of Object.entries(places)) {
    // Emptied, so that a table can only come from elsewhere.
    const code = `
      const fd = outputFd();
      ${open}
      if (other !== fd) { sys('dup2', other, fd); fs.closeSync(other); }
      fs.writeSync(resultFd(), params.frame);
      process.reallyExit(0);`;
    const result = await lab.attack(code, { content: table, frame: frame(whole) });
    t.match(result, { status: 'badOutput', path: 'tables', reason: /a hole at byte 0/ }, name);
  }
});

t.test(
  'names of columns are limited, which apache-arrow compares with each other: those of all tables together',
  async (t) => {
    const named = (tables: number, columns: number, length: number): string => `
    const { tableFromArrays } = require('apache-arrow');
    const names = Array.from({ length: ${columns} }, (_, i) => 'a'.repeat(${length}) + i);
    const table = () => tableFromArrays(Object.fromEntries(names.map((name) => [name, Int32Array.of(1)])));
    return { tables: Object.fromEntries(Array.from({ length: ${tables} }, (_, i) => ['t' + i, table()])) };`;
    t.equal(expectStatus(await lab.attack(named(1, 900, 200)), 'ok').tables.t0?.numCols, 900);
    for (const code of [named(1, 900, 16_000), named(1, 900, 300), named(4, 300, 250)]) {
      const { reason } = expectStatus(await lab.attack(code), 'badOutput');
      t.match(reason, /maxNameBytes/);
    }
  },
);

t.test('tables lie one after the other, and are no more than a thousand', async (t) => {
  const moved = Buffer.concat([table, Buffer.alloc(64 - (table.byteLength % 64)), table]);
  const second = { name: 'u', offset: moved.byteLength - table.byteLength, length: table.byteLength };
  const both = expectStatus(await forge(lab, '', { content: moved, tables: [whole, second] }), 'ok');
  t.strictSame([both.tables.t?.numRows, both.tables.u?.numRows], [ROWS, ROWS]);
  const same = await forge(lab, '', { tables: [whole, { ...whole, name: 'u' }] });
  t.match(same, { status: 'badOutput', path: 'tables.u', reason: /bytes 0 to/ });
  const back = await forge(lab, '', { content: moved, tables: [second, whole] });
  t.match(back, { status: 'badOutput', path: 'tables.u' });
  const many = Array.from({ length: 1001 }, (_, i) => ({ name: String(i), offset: 64 * i, length: 64 }));
  t.match(await forge(lab, '', { tables: many }), {
    status: 'badOutput',
    path: 'tables',
    reason: /^1001 tables/,
  });
  const overlapping = await forge(lab, '', { tables: [whole, { ...whole, name: 'u', offset: 64 }] });
  t.match(overlapping, { status: 'badOutput', path: 'tables.u' });
});

/** By how many bytes the resident memory of this process has been larger meanwhile. */
async function growth(act: () => Promise<void>): Promise<number> {
  const resident = (name: string): number =>
    1024 * Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(readFileSync('/proc/self/status', 'utf8'))?.[1]);
  // The peak is then what is resident now (proc(5)).
  writeFileSync('/proc/self/clear_refs', '5');
  const before = resident('VmRSS');
  await act();
  return resident('VmHWM') - before;
} // prettier-ignore

t.test('memory that a child has not written takes none of the host’s', async (t) => {
  const BYTES = 2 ** 28;
  // Each value is looked at, and zeros are fine.
  const rows = BYTES / 4;
  const schema = new Schema([new Field('n', new TimeSecond())]);
  const values = makeData({ type: new TimeSecond(), length: rows, data: new Int32Array(rows) });
  const rowsOf = makeData({ type: new Struct(schema.fields), length: rows, nullCount: 0, children: [values] });
  const bytes = tableToIPC(new Table(schema, [new RecordBatch(schema, rowsOf)]), 'stream');
  const length = bytes.byteLength;
  // What is before the values, and after them.
  const content = bytes.slice(0, length - 8 - BYTES);
  const end = `fs.writeSync(fd, Buffer.from([255, 255, 255, 255, 0, 0, 0, 0]), 0, 8, ${length - 8});`;
  const grown = await growth(async () => {
    const result = await forge(lab, end, { content, tables: [{ name: 't', offset: 0, length }], maxTableBytes: 2 * BYTES });
    t.match(result, { status: 'badOutput', path: 'tables', reason: /a hole at byte 4096/ });
  });
  t.ok(grown < BYTES / 4, `${grown}`);
}); // prettier-ignore
