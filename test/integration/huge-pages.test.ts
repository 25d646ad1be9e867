// A warm zygote has node's code, and what children read of its data, in huge pages: the same bytes, which nobody can write to.
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import t, { type Test } from 'tap';
import { eventually } from '../helpers/eventually.js';
import { zygoteTree } from '../helpers/processes.js';
import { MARK, newMark, NO_POOL, startZygote, whenWarm } from '../helpers/zygote.js';

const HUGE_PAGE = 2 ** 21;

interface Mapping {
  readonly start: number;
  readonly end: number;
  readonly permissions: string;
  readonly offset: number;
  readonly path: string;
  readonly hugeBytes: number;
}

function mappingsOf(pid: number): Mapping[] {
  return readFileSync(`/proc/${pid}/smaps`, 'utf8')
    .split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m)
    .map((text): Mapping => {
      const [start = '', end = '', permissions = '', offset = '', , , path = ''] =
        /^(\w+)-(\w+) (\S+) (\w+) (\S+) (\d+) *(.*)$/m.exec(text)?.slice(1) ?? [];
      const [, huge = '0'] = /^AnonHugePages: +(\d+) kB$/m.exec(text) ?? [];
      const hex = (digits: string): number => parseInt(digits, 16);
      return {
        start: hex(start),
        end: hex(end),
        permissions,
        offset: hex(offset),
        path,
        hugeBytes: Number(huge) * 1024,
      };
    });
}

function read(path: string, position: number, length: number): Buffer {
  const fd = openSync(path, 'r');
  const bytes = Buffer.alloc(length);
  const count = readSync(fd, bytes, 0, length, position);
  closeSync(fd);
  return bytes.subarray(0, count);
}

interface Found {
  readonly pid: number;
  readonly program: string;
  /** Where there is something else in the place of the program's file, between what is still the file's. */
  readonly copies: readonly Mapping[];
  /** What of the file lies at address 0. */
  readonly bias: number;
}

async function warmZygote(t: Test, preload: readonly string[]): Promise<Found> {
  const mark = newMark();
  const zygote = await startZygote(t, { preload, env: { [MARK]: mark }, pool: NO_POOL });
  await whenWarm(zygote);
  const { pid } = (await eventually('there is a zygote', () => zygoteTree(mark))).zygote;
  const mappings = mappingsOf(pid);
  const program = mappings[0]?.path ?? '';
  const ofProgram = mappings.filter(({ path }) => path === program);
  const last = ofProgram.at(-1)!;
  const copies = mappings.filter(
    ({ start, path, permissions }) => start < last.start && path === '' && !permissions.includes('w'),
  );
  return { pid, program, copies, bias: ofProgram[0]!.offset - ofProgram[0]!.start };
}

t.test('code and data are in huge pages, byte for byte what is in the file', async (t) => {
  const { pid, program, copies, bias } = await warmZygote(t, ['apache-arrow']);
  const permissions = new Set(copies.map((copy) => copy.permissions));
  t.strictSame([...permissions].sort(), ['r--p', 'r-xp']);
  for (const { start, end, hugeBytes } of copies) {
    const length = end - start;
    t.equal(start % HUGE_PAGE, 0);
    t.equal(hugeBytes, length, 'all of it');
    t.ok(
      read(`/proc/${pid}/mem`, start, length).equals(read(program, start + bias, length)),
      `${length} bytes from ${start.toString(16)} on`,
    );
  }
});

t.test('only what children read of the data is copied', async (t) => {
  const { copies, pid } = await warmZygote(t, []);
  const bytesOf = (all: readonly Mapping[]): number =>
    all.reduce((sum, { start, end }) => sum + end - start, 0);
  const copied = bytesOf(copies.filter(({ permissions }) => permissions === 'r--p'));
  const all = bytesOf(
    mappingsOf(pid).filter(({ path, permissions }) => path !== '' && permissions === 'r--p'),
  );
  t.comment(`${copied / HUGE_PAGE} huge pages of data`);
  t.ok(copied > 0 && copied < all / 2, `${copied} of ${all + copied} bytes`);
});
