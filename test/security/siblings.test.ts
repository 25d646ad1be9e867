// Two children of one zygote who know of each other, and of all that both can see, can't exchange a byte.
import { tableFromArrays, tableToIPC } from 'apache-arrow';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { buildRaw, hostFolder, Lab, only } from '../helpers/security/lab.js';
import { expectStatus, NO_SANDBOX } from '../helpers/zygote.js';
import type { AttackOptions } from '../helpers/security/lab.js';

const addon = buildRaw(t);
const shared = hostFolder(t);
const file = path.join(shared, 'file');
writeFileSync(file, 'x'.repeat(8192));

const lab = await Lab.start(t, addon, { files: [shared] }, { preload: ['apache-arrow'] });
/** Where a channel is closed by the filter: without it, so that a test can see that it is one. */
const open = await Lab.start(t, addon, { files: [shared], off: ['syscalls'] });

/** Whatever is the same file for both. */
const BOTH_SEE = `const both = ['/', '/etc', '/etc/passwd', '/dev/null', params.file, '/proc/self/exe'].filter((file) => fs.existsSync(file));`;

/**
 * Lets one prepare something, then the other look, then the first look what it has got. Both get `both`, a list of files
 * that are the same for them.
 */
async function exchange(
  between: Lab,
  prepare: string,
  look: string,
  after = 'null',
  options: AttackOptions = {},
): Promise<readonly [seen: unknown, got: unknown]> {
  const first = await between.spawn(
    `${BOTH_SEE} ${prepare}; console.log(1); await new Promise((resolve) => process.stdin.once('data', resolve)); return ${after};`,
    { file },
    { ...options, stdin: 'pipe', stdout: 'pipe' },
  );
  await Promise.race([new Promise((resolve) => first.stdout!.once('data', resolve)), first.result]);
  const seen = await between.value(`${BOTH_SEE} return ${look};`, { file }, options);
  first.stdin!.end('on');
  return [seen, expectStatus(await first.result, 'ok').value];
}

t.test('files: what one writes, the other does not find', async (t) => {
  const write = `const written = ['/tmp', '/dev/shm', '/dev', '/var/tmp', '/etc', '/', '/run', params.file].filter((folder) => { try { fs.writeFileSync(folder + '/from-sibling', 'x'); return true; } catch { return false; } })`;
  const look = `['/tmp', '/dev/shm', '/dev', '/var/tmp', '/etc', '/', '/run'].filter((folder) => fs.existsSync(folder + '/from-sibling'))`;
  t.strictSame(await exchange(lab, write, look, 'written'), [[], ['/tmp']]);
});

t.test('locks: what one holds, the other does not notice', async (t) => {
  const lock = `
    const held = both.map((file) => { const fd = fs.openSync(file, 'r'); return [sys('flock', fd, 1), sys('fcntl', fd, 6, Buffer.alloc(32)), sys('fcntl', fd, 37, Buffer.alloc(32)), sys('fcntl', fd, 1024, 0)]; })`;
  // A lock for writing is asked about, not for.
  const look = `both.map((file) => { const fd = fs.openSync(file, 'r'), lock = Buffer.alloc(32); lock.writeInt16LE(1); const told = [sys('flock', fd, 2 | 4), sys('fcntl', fd, 5, lock)]; return [...told, lock.readInt16LE()]; })`;
  const [seen, got] = (await exchange(lab, lock, look, 'held')) as [unknown[][], unknown[][]];
  for (const held of got) t.strictSame(held, ['ENOLCK', 'ENOLCK', 'ENOLCK', 'ENOSYS']);
  for (const noticed of seen) t.strictSame(noticed, ['ENOLCK', 'ENOLCK', 1]);
  const [noticed] = (await exchange(open, lock, look)) as unknown as [unknown[][]];
  t.ok(
    noticed.some(([flock]) => flock === 'EAGAIN') && noticed.some(([, , type]) => type === 0),
    'without the filter it would',
  );
});

t.test('inotify: one is not told what the other opens', async (t) => {
  const watch = `
    const notify = sys('inotify_init1', 0o4000);
    for (const file of both) if (typeof notify === 'number') sys('inotify_add_watch', notify, text(file), 0xfff);
    const watching = attempt(() => fs.watch('/etc/passwd', () => {}).close())`;
  const use = `both.map((file) => attempt(() => fs.statSync(file).isDirectory() ? fs.readdirSync(file).length : fs.closeSync(fs.openSync(file)))).length`;
  const events = `typeof notify === 'number' ? sys('read', notify, Buffer.alloc(4096), 4096) : [notify, watching]`;
  t.strictSame((await exchange(lab, watch, use, events))[1], ['EPERM', 'EPERM']);
  const [, read] = await exchange(open, watch, use, events);
  t.ok(typeof read === 'number' && read > 0, 'without the filter it would');
});

// A word that all children have mapped from the same file, at an address that each knows.
const SHARED_WORD = `
  const word = raw.text(), value = raw.read(word, 4).readUInt32LE();
  const wait = (operation, bits = 0) => sys('futex', word, operation, value, Buffer.from(new BigInt64Array([1n, 500000000n]).buffer), 0, bits);`;

t.test('futexes: one can not wait for the other, at a word that both have mapped', async (t) => {
  const code = `${SHARED_WORD}
    return { woken: sys('futex', word, 1, 100, 0, 0, 0), waits: [wait(0), wait(9, -1), wait(0x100 | 9, -1), wait(6), wait(13), wait(11)], own: wait(0x80) };`;
  t.strictSame(await lab.value(code), {
    woken: 0,
    // FUTEX_WAIT, FUTEX_WAIT_BITSET by either clock; then those that inherit priorities.
    waits: ['EAGAIN', 'EAGAIN', 'EAGAIN', 'ENOSYS', 'ENOSYS', 'ENOSYS'],
    own: 'ETIMEDOUT',
  });
  // With the filter off, what it is about: a wait that a sibling ends, by a call or by a thread that ends.
  for (const wake of [`sys('futex', word, 1, 100, 0, 0, 0)`, `raw.threadThatClears(word)`]) {
    const waiting = open.spawn(`${SHARED_WORD} console.log(1); return wait(0);`, {}, { stdout: 'pipe' });
    const child = await waiting;
    await new Promise((resolve) => child.stdout!.once('data', resolve));
    await open.value(`${SHARED_WORD} await sleep(200); ${wake}; await sleep(100);`);
    t.equal(expectStatus(await child.result, 'ok').value, 0, `without the filter: ${wake}`);
  }
});

t.test('a thread is still waited for, by a wait that is not private', async (t) => {
  const code = `
    const { Worker } = require('node:worker_threads');
    const ends = Array.from({ length: 4 }, () => new Promise((resolve) => new Worker('for (let i = 0; i < 1e7; i++);', { eval: true }).on('exit', resolve)));
    return Promise.all(ends);`;
  t.strictSame(await lab.value(code), [0, 0, 0, 0]);
});

t.test('the page cache: one does not see which pages the other has read', async (t) => {
  const code = `
    const fd = fs.openSync(params.file), vector = Buffer.from(new BigUint64Array([raw.map(-1, 4096, 3, 0x22), 4096n]).buffer);
    return [sys('preadv2', fd, vector, 1, 0, 0, 8), sys('fadvise64', fd, 0, 0, 4), sys('readahead', fd, 0, 4096), sys('cachestat', fd, Buffer.alloc(16), Buffer.alloc(40), 0)];`;
  t.strictSame(await lab.value(code, { file }), ['EPERM', 'EPERM', 'EPERM', 'ENOSYS']);
});

t.test(
  'counters of the machine: one does not see how many threads, or how much memory, the other has',
  async (t) => {
    t.strictSame(await lab.value(`return [sys('sysinfo', Buffer.alloc(128)), os.freemem(), os.loadavg()]`), [
      'EPERM',
      0,
      [0, 0, 0],
    ]);
  },
);

t.test('descriptors: one has none that lead to the other', async (t) => {
  const objects = `openFds().filter(([, target]) => /^(pipe|socket|\\/memfd)/.test(target)).map(([fd]) => fs.fstatSync(fd).ino)`;
  const [seen, got] = (await exchange(lab, '', objects, objects)) as [number[], number[]];
  t.ok(seen.length >= 6 && got.length >= 6);
  t.strictSame(
    seen.filter((inode) => got.includes(inode)),
    [],
  );
});

t.test("tables: the memory of a table that both were given is each one's own", async (t) => {
  const table = tableFromArrays({ bytes: new Uint8Array(64).fill('A'.charCodeAt(0)) });
  const bytes = tableToIPC(table, 'file');
  const look = `(() => { const bytes = tables.table.getChildAt(0).data[0].values; return Buffer.from(bytes.subarray(0, 15)).toString(); })()`;
  const write = `const bytes = tables.table.getChildAt(0).data[0].values; bytes.fill(66, 0, 15)`;
  // One that another child has returned goes to the next without a copy.
  const echo = await lab.zygote.run('module.exports = ({ tables }) => tables.table', { tables: { table } });
  const returned = echo.tables.table!;
  for (const input of [table, bytes, returned]) {
    const [seen, got] = await exchange(lab, write, look, look, { tables: { table: input } });
    t.equal(got, 'B'.repeat(15), 'one may write');
    t.equal(seen, 'A'.repeat(15), 'to its own copy');
  }
});

t.test('tables: nothing is left open of the file in which they came', async (t) => {
  const table = tableFromArrays({ a: [1] });
  const code = `return [openFds().map(([, target]) => target).filter((target) => target.includes('input')), attempt(() => fs.readdirSync('/proc/self/map_files').map((name) => fs.openSync('/proc/self/map_files/' + name)))]`;
  const [fds, maps] = (await lab.value(code, {}, { tables: { table } })) as [string[], unknown];
  t.strictSame(fds, []);
  t.ok(['EPERM', 'EACCES', 'ENOENT'].includes(String(maps)), String(maps));
});

t.test(
  'signals: one does not reach the other by any number, with nothing but the PID namespace',
  async (t) => {
    const bare = await Lab.start(t, addon, NO_SANDBOX);
    const child = await bare.spawn(
      `let signals = 0; for (const name of ['SIGUSR1', 'SIGUSR2', 'SIGTERM', 'SIGHUP', 'SIGIO']) process.on(name, () => signals++);
     console.log(1); await new Promise((resolve) => process.stdin.once('data', resolve)); return signals;`,
      undefined,
      { stdin: 'pipe', stdout: 'pipe' },
    );
    await new Promise((resolve) => child.stdout!.once('data', resolve));
    // Its number in the host's namespace and in its own, groups, everybody; by signal and by a descriptor that is signalled.
    const attack = `
    const targets = [params.pid, -params.pid, 0x7fffffff];
    const told = targets.flatMap((pid) => [sys('kill', pid, 10), sys('tkill', Math.abs(pid), 10), sys('tgkill', Math.abs(pid), Math.abs(pid), 10), sys('rt_sigqueueinfo', Math.abs(pid), 10, Buffer.alloc(128))]);
    const fd = fs.openSync('/dev/null');
    return [...new Set(told), sys('fcntl', fd, 8, params.pid)];`;
    const told = (await bare.value(attack, { pid: child.pid })) as (string | number)[];
    t.strictSame(
      told.filter((result) => !['ESRCH', 'EPERM', 'EINVAL', 0].includes(result)),
      [],
    );
    child.stdin!.end('on');
    t.equal(expectStatus(await child.result, 'ok').value, 0);
  },
);

t.test('an id that an earlier child had gives nothing of that child', async (t) => {
  const uids = { first: 1_300_000, count: 256 };
  const own = await Lab.start(t, addon, { uids });
  const leave = `
    fs.writeFileSync('/tmp/left', 'x');
    return [process.getuid(), attempt(() => fs.openSync('/dev/shm/left', 'w'))];`;
  const [first] = (await own.value(leave)) as number[];
  // It is one of some two hundred by chance.
  let found: unknown;
  for (let i = 0; i < 4000 && found === undefined; i++) {
    const [uid, ...rest] = (await own.value(
      `return [process.getuid(), fs.readdirSync('/tmp').length]`,
    )) as unknown[];
    if (uid === first) found = rest;
  }
  t.strictSame(found, [0]);
});

t.test('children of two zygotes share nothing either', async (t) => {
  const other = await Lab.start(t, addon, { files: [shared], off: only('user', 'syscalls', 'files') });
  const lock = await other.value(
    `const fd = fs.openSync(params.file); return [sys('flock', fd, 2), sys('inotify_init1', 0)]`,
    { file },
  );
  t.strictSame(lock, ['ENOLCK', 'EPERM']);
  const uids = await Promise.all(
    [lab, other].map((from) => from.seen((pid) => readFileSync(`/proc/${pid}/uid_map`, 'latin1'))),
  );
  t.equal(new Set(uids).size, 2, 'each zygote has a block of ids');
});
