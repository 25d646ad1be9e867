// A warm zygote's memory is in large folios, but for the pages that children write to, and what was special about it still is.
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import t from 'tap';
import { eventually } from '../helpers/eventually.js';
import { zygoteTree } from '../helpers/processes.js';
import { buildRaw } from '../helpers/security/lab.js';
import { MARK, newMark, NO_POOL, NO_SANDBOX, startZygote, whenWarm } from '../helpers/zygote.js';

const PAGE = 4096;
const ENTRY_BYTES = 8;
/** Of an entry of /proc/PID/pagemap: there is a page, it is a file's or shared memory, and which one it is. */
const PRESENT = 1n << 63n;
const OF_FILE = 1n << 61n;
const FRAME = (1n << 55n) - 1n;
/** Of /proc/kpageflags: the first page of a compound one, or a further one. */
const COMPOUND = (1n << 15n) | (1n << 16n);

function readEntries(fd: number, first: number, count: number): BigUint64Array {
  const entries = new BigUint64Array(count);
  readSync(fd, entries, 0, count * ENTRY_BYTES, first * ENTRY_BYTES);
  return entries;
}

/** The page frames of memory that can be written to and nothing else, by address. Not the stack. */
function framesOf(pid: number): Map<number, bigint> {
  const frames = new Map<number, bigint>();
  const pagemap = openSync(`/proc/${pid}/pagemap`, 'r');
  for (const line of readFileSync(`/proc/${pid}/maps`, 'utf8').trim().split('\n')) {
    const [range = '', permissions, , , , path = ''] = line.split(/\s+/);
    if (permissions !== 'rw-p' || !['', '[heap]'].includes(path)) continue;
    const [start = 0, end = 0] = range.split('-').map((hex) => parseInt(hex, 16));
    const entries = readEntries(pagemap, start / PAGE, (end - start) / PAGE);
    for (const [i, entry] of entries.entries())
      if ((entry & (PRESENT | OF_FILE)) === PRESENT) frames.set(start + i * PAGE, entry & FRAME);
  }
  closeSync(pagemap);
  return frames;
}

function compoundOf(frames: readonly bigint[]): number {
  const flags = openSync('/proc/kpageflags', 'r');
  const compound = frames.filter(
    (frame) => ((readEntries(flags, Number(frame), 1)[0] ?? 0n) & COMPOUND) !== 0n,
  );
  closeSync(flags);
  return compound.length;
}

t.test('what children share is in large folios, what is copied for them is not', async (t) => {
  const mark = newMark();
  const pool = { min: 1, max: 1 };
  const zygote = await startZygote(t, { preload: ['apache-arrow'], env: { [MARK]: mark }, pool });
  await whenWarm(zygote);
  // The one that was parked before is replaced.
  await zygote.run('module.exports = () => 0');
  await eventually('a child is parked', () => zygote.parked === 1);
  await eventually('most of what it shares with the zygote is in large folios', () => {
    const tree = zygoteTree(mark);
    const [child] = tree?.children ?? [];
    if (tree === undefined || child === undefined) return false;
    const [ofZygote, ofChild] = [framesOf(tree.zygote.pid), framesOf(child.pid)];
    const [shared, copied]: [bigint[], bigint[]] = [[], []];
    for (const [address, frame] of ofZygote) {
      const its = ofChild.get(address);
      if (its !== undefined) (its === frame ? shared : copied).push(frame);
    }
    const [large, largeCopied] = [compoundOf(shared), compoundOf(copied)];
    t.comment(
      `${large} of ${shared.length} that are shared, ${largeCopied} of ${copied.length} that are copied`,
    );
    return copied.length > 100 && large > shared.length / 2 && largeCopied < copied.length / 4;
  });
});

/** All mappings together that are put there. */
const MOST_BYTES = 32 * 1024 * 1024;

t.test('whatever modules have mapped is as it was, and no more than so much is moved', async (t) => {
  const mark = newMark();
  const zygote = await startZygote(t, {
    preload: ['./odd-memory.cjs'],
    env: { [MARK]: mark, RAW_ADDON: buildRaw(t) },
    pool: NO_POOL,
    sandbox: NO_SANDBOX,
  });
  const code = "module.exports = () => require('./odd-memory.cjs').whatIsWrong()";
  await whenWarm(zygote);
  for (const time of ['parked before it was warm', 'cloned after']) {
    const { value } = await zygote.run(code);
    t.strictSame(value, [], time);
  }
  const frames = [...framesOf(zygoteTree(mark)!.zygote.pid).values()];
  const bytes = compoundOf(frames) * PAGE;
  t.comment(`${bytes} of ${frames.length * PAGE} bytes`);
  // Where the kernel makes huge pages of itself, there are more.
  const areAlways = readFileSync('/sys/kernel/mm/transparent_hugepage/enabled', 'utf8').includes('[always]');
  t.ok(bytes > 0 && (areAlways || bytes <= MOST_BYTES));
});
