// `npm run bench` measures all that it says, each as often as it was told.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import type { Measured } from '../../bench/measure.js';
import { MARKS, type Trace } from '../../bench/trace.js';

const folder = mkdtempSync(join(tmpdir(), 'nodespawner-bench-'));
t.teardown(() => {
  rmSync(folder, { recursive: true });
});
const json = join(folder, 'raw.json');
const bench = fileURLToPath(new URL('../../bench/main.js', import.meta.url));
const args = ['--spawns', '4', '--plain', '2', '--trace', '--json', json];
const output = execFileSync(process.execPath, [bench, ...args], { encoding: 'utf8' });
const raw = JSON.parse(readFileSync(json, 'utf8')) as {
  command: string;
  measured: (Measured & { trace: Trace })[];
};
const [measured] = raw.measured;

t.test('each contestant is measured as often as asked for, in positive times', (t) => {
  const counts = Object.fromEntries(
    Object.entries(measured!.series).map(([name, series]) => [name, series.filter((ms) => ms > 0).length]),
  );
  const nodespawner = { firstLine: 4, roundTrip: 4, demandFirstLine: 4, demandRoundTrip: 4 };
  t.same(counts, { floor: 4, ...nodespawner, plainFirstLine: 2, plainRoundTrip: 2 });
  t.end();
});

t.test('the phases of a call come one after the other', (t) => {
  t.equal(measured!.trace.calls.length, 4);
  for (const call of measured!.trace.calls) {
    const times = MARKS.map((mark) => call[mark]);
    t.same(
      times,
      [...times].sort((a, b) => a - b),
    );
  }
  t.end();
});

t.test('what was measured, where and how is said', (t) => {
  t.match(output, `Node ${process.version}`);
  t.match(output, /cores of .*kernel \d/);
  t.match(raw.command, args.join(' '));
  t.end();
});
