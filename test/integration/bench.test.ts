// `npm run bench` measures all that it says, each as often as it was told.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import type { CallTimes } from '../../bench/contestants.js';
import type { Run } from '../../bench/measured.js';
import { type Mark, PHASES, WAYS } from '../../bench/trace.js';
import { SANDBOX_LAYERS } from '../../lib/layers.js';

const folder = mkdtempSync(join(tmpdir(), 'nodespawner-bench-'));
t.teardown(() => {
  rmSync(folder, { recursive: true });
});
const json = join(folder, 'raw.json');
const bench = fileURLToPath(new URL('../../bench/main.js', import.meta.url));
const few = ['--spawns', '4', '--plain', '2', '--windows', '1', '--window-ms', '200', '--table-mb', '2'];
const [html, svg] = [join(folder, 'report.html'), join(folder, 'chart.svg')];
const files = ['--json', json, '--html', html, '--svg', svg];
// Of test/nodes nothing is there for `npm test`.
const args = [...few, '--only', 'own', '--children', '1,3', '--trace', ...files];
const output = execFileSync(process.execPath, [bench, ...args], { encoding: 'utf8' });
const run = JSON.parse(readFileSync(json, 'utf8')) as Run;
const measured = run.measured[0]!;
const positive = (series: readonly number[]): number => series.filter((value) => value > 0).length;

t.test('each contestant is measured as often as asked for, in positive times', (t) => {
  const counts = Object.fromEntries(
    Object.entries(measured.latency!.series).map(([name, series]) => [name, positive(series)]),
  );
  const nodespawner = { firstLine: 4, roundTrip: 4, demandFirstLine: 4, demandRoundTrip: 4 };
  const bounds = { floor: 4, namespacedFloor: 4, waitingFirstLine: 4, waitingRoundTrip: 4 };
  t.same(counts, { ...bounds, ...nodespawner, plainFirstLine: 2, plainRoundTrip: 2 });
  const starts = Object.fromEntries(
    Object.entries(measured.start!).map(([name, series]) => [name, positive(series)]),
  );
  t.same(starts, { zygote: 2, plainNode: 2, bareNode: 2 });
  t.end();
});

t.test('each layer is switched off by itself, and all of them together', (t) => {
  const counts = Object.entries(measured.layers!).map(([name, calls]) => [name, calls.length]);
  t.same(
    counts,
    ['nothing', ...SANDBOX_LAYERS, 'everything'].map((name) => [name, 2]),
  );
  const inOrder = ({ firstLineMs, roundTripMs }: CallTimes): boolean =>
    firstLineMs > 0 && firstLineMs < roundTripMs;
  t.ok(Object.values(measured.layers!).flat().every(inOrder));
  t.end();
});

t.test('calls are measured after each time of idleness', (t) => {
  t.ok(measured.idle!.every(({ pauseMs }, i, { [i - 1]: before }) => pauseMs > (before?.pauseMs ?? 0)));
  for (const { series } of measured.idle!) {
    const counts = Object.values(series).map(positive);
    // As many passes as there are, of one each.
    t.same(counts, [5, 5, 5, 5]);
  }
  t.end();
});

t.test('tables of all sizes, numbers of calls at once and numbers of children are measured', (t) => {
  const sizes = measured.tables!.map(({ bytes, times }) => [bytes, times.length]);
  t.same(
    sizes,
    [1, 64, 1024, 2048].map((kilobytes) => [kilobytes * 1024, 2]),
  );
  const { nodespawner, clone } = measured.throughput!;
  t.same(
    nodespawner.map(({ atOnce, perSecond }) => [atOnce, positive(perSecond)]),
    [1, 2, 4, 8, 16].map((atOnce) => [atOnce, 1]),
  );
  t.ok(clone.length > 1 && clone.every(({ perSecond }) => positive(perSecond) === 1));
  const { parked, plainNode } = measured.memory!;
  for (const all of [parked, plainNode]) {
    t.same(
      all.map(({ each }) => each.length),
      [1, 3],
    );
    t.ok(all.flatMap(({ each }) => each).every(({ uss, pss }) => uss > 0 && pss >= uss));
  }
  t.end();
});

t.test('the phases of a call come one after the other', (t) => {
  for (const way of WAYS) {
    const { calls } = measured.trace![way];
    t.equal(calls.length, 2);
    for (const call of calls) {
      const times = (Object.keys(PHASES[way]) as Mark[]).map((mark) => call[mark]!);
      t.ok(times.every((time) => time >= 0));
      t.same(
        times,
        [...times].sort((a, b) => a - b),
      );
    }
  }
  t.end();
});

t.test('what was measured, where and how is said', (t) => {
  t.match(output, `Node ${measured.node}`);
  t.match(output, /cores of .*kernel \d/);
  t.match(run.command, args.join(' '));
  t.match(run, { machine: String, cpu: String, kernel: String, commit: String, date: String });
  t.match(run, { loadBefore: [Number], loadAfter: [Number], measured: [{ flags: Array }] });
  t.end();
});

t.test('the page says the same, and the chart is a file of its own', (t) => {
  const page = readFileSync(html, 'utf8');
  t.match(page, `Node ${measured.node}`);
  t.match(page, '| round trip, parked');
  t.match(readFileSync(svg, 'utf8'), /^<svg xmlns="http:\/\/www.w3.org\/2000\/svg".*<\/svg>\n$/s);
  t.end();
});
