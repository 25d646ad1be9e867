// The program's code and data, in huge pages that all children of a zygote have together: none of them writes to what others
// run and read.
import t from 'tap';
import { buildRaw, Lab } from '../helpers/security/lab.js';
import { NO_POOL, whenWarm } from '../helpers/zygote.js';

const addon = buildRaw(t);

const PERMISSIONS = { code: 'r-xp', data: 'r--p' } as const;

/** The last page of the largest piece of the program's code or data, of those that are no file's if there are any, and its bytes. */
const find = (what: keyof typeof PERMISSIONS): string => `
  const maps = lines('/proc/self/maps'), heap = maps.findIndex((line) => line.endsWith('[heap]'));
  const ofProgram = maps.slice(0, heap).filter((line) => line.split(' ')[1] === '${PERMISSIONS[what]}');
  const copies = ofProgram.filter((line) => !line.includes('/'));
  const places = (copies.length > 0 ? copies : ofProgram).map((line) => line.split(' ')[0].split('-').map((hex) => BigInt('0x' + hex)));
  const [, end] = places.reduce((best, place) => (place[1] - place[0] > best[1] - best[0] ? place : best));
  // What is there is used at the end, if ever.
  const page = end - 4096n, bytes = () => Buffer.from(raw.read(page, 4096)).toString('base64');`;

/** Ways to write to a page of it. */
const WAYS: Readonly<Record<string, string>> = {
  'by making it writable': `const done = sys('mprotect', page, 4096, 3); raw.fill(page, 0x90, 4096); return [done, bytes() === Buffer.alloc(4096, 0x90).toString('base64')]`,
  'by mapping something else there': `const done = sys('mmap', page, 4096, 3, 0x32, -1, 0); raw.fill(page, 0x91, 4096); return [done === Number(page), bytes() === Buffer.alloc(4096, 0x91).toString('base64')]`,
  'by the memory file': `return attempt(() => { const fd = fs.openSync('/proc/self/mem', 'r+'); fs.writeSync(fd, Buffer.alloc(4096, 0x92), 0, 4096, Number(page)); return 'written'; })`,
  'by dropping it': `const done = ['MADV_DONTNEED', 'MADV_FREE', 'MADV_REMOVE', 'MADV_COLD', 'MADV_PAGEOUT', 'MADV_MERGEABLE'].map((name, index) => sys('madvise', page, 4096, [4, 8, 9, 20, 21, 12][index])); return [done]`,
};

const DONE: Readonly<Record<string, unknown>> = {
  'by making it writable': [0, true],
  'by mapping something else there': [true, true],
};

for (const [profile, what] of [
  ['compute', 'code'],
  ['compute', 'data'],
  ['exec', 'code'],
  ['exec', 'data'],
] as const) {
  const FIND = find(what);
  t.test(
    `${profile}: what a child writes to ${what} is its own, in the memory of others nothing changes`,
    async (t) => {
      // In Node 20, that page is a part of V8's optimizing compiler.
      const lab = await Lab.start(t, addon, { profile }, { pool: NO_POOL, execArgv: ['--no-opt'] });
      await whenWarm(lab.zygote);
      // The first one was parked by start(), before there were huge pages.
      await lab.value('return 0;');
      // It waits until others have done what they can, and looks again.
      const witness = await lab.spawn(
        `${FIND} const before = bytes(); console.log(before); await new Promise((resolve) => process.stdin.once('data', resolve)); return bytes() === before;`,
        undefined,
        { stdin: 'pipe', stdout: 'pipe' },
      );
      const [line] = (await witness.stdout!.take(1).toArray()) as Buffer[];
      const before = String(line).trim();
      for (const [way, body] of Object.entries(WAYS)) {
        const result = await lab.attack(`${FIND} ${body};`);
        // A child may do with its own memory as it likes: the first two are there to be successful.
        if (way in DONE) t.match(result, { status: 'ok', value: DONE[way] }, `${way}: in its own memory`);
        t.equal(await lab.value(`${FIND} return bytes();`), before, `${way}: in the next child`);
      }
      witness.stdin!.end('on');
      t.match(await witness.result, { status: 'ok', value: true }, 'in the one beside');
    },
  );
}
