/** Where the memory of a zygote lies: what a clone copies, and a child writes to, is little and lies together. */
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import t, { type Test } from 'tap';
import type { ZygoteOptions } from '../../lib/index.js';
import { eventually } from '../helpers/eventually.js';
import { zygoteTree } from '../helpers/processes.js';
import { MARK, newMark, NO_POOL, startZygote, whenWarm } from '../helpers/zygote.js';

const PAGE_BYTES = 4096;

interface Mapping {
  readonly start: number;
  readonly end: number;
  readonly permissions: string;
  readonly name: string;
}

/** proc_pid_maps(5). */
function mappingsOf(pid: number): Mapping[] {
  const lines = readFileSync(`/proc/${pid}/maps`, 'latin1').trim().split('\n');
  return lines.map((line) => {
    const [range = '', permissions = '', , , , name = ''] = line.split(/ +/);
    const [start = NaN, end = NaN] = range.split('-').map((address) => parseInt(address, 16));
    return { start, end, permissions, name };
  });
}

async function pidOfWarmZygote(t: Test, options: ZygoteOptions = {}): Promise<number> {
  const mark = newMark();
  const zygote = await startZygote(t, {
    preload: ['apache-arrow'],
    pool: NO_POOL,
    env: { [MARK]: mark },
    ...options,
  });
  await whenWarm(zygote);
  return eventually('there is a zygote', () => zygoteTree(mark)?.zygote.pid);
}

t.test('V8’s memory lies together, and not at addresses at random', async (t) => {
  const pid = await pidOfWarmZygote(t);
  const GIGABYTE = 2 ** 30;
  const written = mappingsOf(pid).filter(
    ({ permissions, name }) => permissions.startsWith('rw') && name === '',
  );
  const areas = new Set(written.map(({ start }) => Math.floor(start / GIGABYTE)));
  // Beside node, among the libraries, and where memory for code is.
  t.ok(areas.size <= 8, `${written.length} mappings in ${areas.size} gigabytes`);
});

t.test('threads have no memory of their own to allocate from', async (t) => {
  const pid = await pidOfWarmZygote(t);
  // What malloc(3) reserves for each such arena.
  const ARENA_BYTES = 64 * 2 ** 20;
  const mappings = mappingsOf(pid);
  const arenas = mappings.filter(({ start, end }, index) => {
    const next = mappings[index + 1];
    return start % ARENA_BYTES === 0 && next?.start === end && next.end - start === ARENA_BYTES;
  });
  t.strictSame(arenas, []);
});

t.test('node’s locks are not looked for in a graph of all locks', async (t) => {
  const pid = await pidOfWarmZygote(t);
  const ones = Buffer.alloc(PAGE_BYTES, 0xff);
  const page = Buffer.alloc(PAGE_BYTES);
  const memory = openSync(`/proc/${pid}/mem`, 'r');
  t.teardown(() => {
    closeSync(memory);
  });
  let found = 0;
  for (const { start, end, permissions, name } of mappingsOf(pid)) {
    if (!permissions.startsWith('rw') || name !== '') continue;
    for (let at = start; at < end; at += PAGE_BYTES) {
      readSync(memory, page, 0, PAGE_BYTES, at);
      if (page.equals(ones)) found += 1;
    }
  }
  // 250 in a node that has it.
  t.equal(found, 0, 'empty hash tables of Abseil’s GraphCycles');
});

const ITS_LD_PRELOAD = `module.exports = () => process.env.LD_PRELOAD ?? 'none'`;

t.test('children find nothing of the library that is preloaded for it in their environment', async (t) => {
  const zygote = await startZygote(t, { pool: NO_POOL });
  t.equal((await zygote.run(ITS_LD_PRELOAD)).value, 'none');
});

t.test('libraries that the caller has preloaded stay', async (t) => {
  // Which ld.so(8) complains of, and goes on.
  const LD_PRELOAD = '/nowhere/one.so:/nowhere/two.so';
  const zygote = await startZygote(t, { pool: NO_POOL, env: { LD_PRELOAD } });
  t.equal((await zygote.run(ITS_LD_PRELOAD)).value, LD_PRELOAD);
});
