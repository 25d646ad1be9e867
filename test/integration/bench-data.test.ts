// `npm run bench:data` measures all that it says, each as often as it was told.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import type { Handover } from '../../bench/data/handover.js';
import type { Held } from '../../bench/data/loop.js';
import type { Sharing } from '../../bench/data/sharing.js';
import type { Sized } from '../../bench/data/sizes.js';
import type { Validation } from '../../bench/data/validation.js';

t.test('what is asked for is measured, and every call counted', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'nodespawner-bench-'));
  t.teardown(() => {
    rmSync(folder, { recursive: true });
  });
  const file = join(folder, 'data.json');
  const data = fileURLToPath(new URL('../../bench/data.js', import.meta.url));
  const options = ['--rounds', '2', '--size', '100000', '--children', '2', '--json', file];
  const printed = execFileSync(process.execPath, [data, ...options], { encoding: 'utf8' });
  t.match(printed, `Node ${process.version}`);
  const { handovers, sizes, sharings, validations, loops, starts } = JSON.parse(readFileSync(file, 'utf8')) as {
    handovers: Handover[];
    sizes: Sized[];
    sharings: Sharing[];
    validations: Validation[];
    loops: Held[];
    starts: number;
  };
  for (const { name, size, first, sum } of handovers) {
    if (name.startsWith('SharedTable.from')) continue;
    const series = [first, sum].map((times) => times.filter((ms) => ms > 0).length);
    t.strictSame(series, [2, 2], `${name}, ${size}`);
  }
  const contestants = 5;
  const warmUp = 1;
  t.equal(new Set(handovers.map(({ size }) => size)).size, 3, 'tables of 1 KB, of 32 KB and of the size given');
  t.equal(starts, 3 * contestants * (warmUp + 2) + 2 * (5 + 2) + 2 * (1 + 2) + 4 * 2, 'every call is counted');
  t.strictSame(sizes.map(({ size }) => size), [1024, 100000]);
  for (const { line, value, result } of sizes)
    t.ok([0, 1].every((i) => line[i]! > 0 && value[i]! > line[i]! && result[i]! > value[i]!));
  t.strictSame(sharings.map(({ children }) => children), [1, 2]);
  for (const { large, tableBytes } of sharings) t.ok(large.pss > tableBytes && large.pageTables > 0);
  t.ok(validations.length > 10 && validations.every(({ validate }) => validate.count === 2 && validate.p50 > 0));
  t.strictSame(loops.map(({ held, open }) => [held.length, open !== undefined]), [[2, false], [2, true], [2, true], [2, true]]);
  t.ok(loops.every(({ held }) => held.every((ms) => ms >= 0)));
  t.end();
}); // prettier-ignore
