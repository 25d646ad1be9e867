// Charts show what was measured, and can be read without a network, on light and on dark pages.
import t from 'tap';
import { draw, standalone } from '../../../bench/charts/draw.js';
import { binned, cumulated } from '../../../bench/charts/latency.js';
import { page } from '../../../bench/charts/page.js';
import { roundTrips, roundTripsChart } from '../../../bench/charts/round-trips.js';
import type { Measured, Run } from '../../../bench/measured.js';
import { readOptions } from '../../../bench/options.js';

const measured: Measured = {
  node: 'v24.0.0',
  v8: '13',
  flags: [],
  latency: {
    // What charts don't show.
    ...({ sandbox: {}, threads: 5 } as Pick<NonNullable<Measured['latency']>, 'sandbox' | 'threads'>),
    series: {
      floor: [0.2, 0.3],
      namespacedFloor: [0.5, 0.6],
      firstLine: [2, 3],
      roundTrip: [10, 12],
      demandFirstLine: [8, 9],
      demandRoundTrip: [15, 17],
      plainFirstLine: [100, 110],
      plainRoundTrip: [120, 125],
      waitingFirstLine: [0.5, 0.6],
      waitingRoundTrip: [1, 1.1],
    },
  },
  throughput: {
    nodespawner: [1, 2].map((atOnce) => ({ atOnce, perSecond: [90, 110] })),
    clone: [1, 2].map((atOnce) => ({ atOnce, perSecond: [900, 1100] })),
  },
  memory: {
    parked: [1, 2].map((count) => ({ count, each: [], totalPss: 50e6 + count * 2e6 })),
    plainNode: [1, 2].map((count) => ({ count, each: [], totalPss: count * 20e6 })),
  },
  tables: [1024, 65536].map((bytes) => ({
    bytes,
    times: [{ firstLineMs: 2, lastValueMs: 4, roundTripMs: 9 }],
  })),
};

const run: Run = {
  machine: 'box <b>&"',
  cpu: 'chip',
  cores: 2,
  memoryGb: 8,
  kernel: '6.1',
  system: 'Debian',
  loadBefore: [0, 0, 0],
  loadAfter: [0, 0, 0],
  commit: 'abc',
  date: '2026-01-01',
  command: 'node main.js',
  plan: readOptions([]).plan,
  measured: [measured],
};

t.test('a cumulated distribution reaches each value at its share, and ends at all', (t) => {
  t.same(cumulated('x', [3, 1, 2, 10]), [
    { name: 'x', ms: 1, share: 0.25 },
    { name: 'x', ms: 2, share: 0.5 },
    { name: 'x', ms: 3, share: 0.75 },
    { name: 'x', ms: 10, share: 1 },
  ]);
  t.end();
});

t.test('each value is in the bin that it lies in, and all shares make one', (t) => {
  const bins = binned('x', [1, 1.1, 12, 90]);
  t.equal(bins.find(({ ms }) => ms === 1)?.share, 0.5);
  t.equal(
    bins.reduce((sum, { share }) => sum + share, 0),
    1,
  );
  t.equal(bins.at(-1)?.share, 0, 'so that the last one is drawn to its end');
  t.ok(bins.every(({ ms }, i) => i === 0 || ms > (bins[i - 1]?.ms ?? Infinity)));
  t.end();
});

t.test('round trips are in the order of their medians, ours among them', (t) => {
  t.same(
    roundTrips(measured).map(({ name, p50 }) => [name, p50]),
    [
      ['a node that waits, used again', 1.05],
      ['nodespawner, parked child', 11],
      ['nodespawner, cloned on demand', 16],
      ['plain node', 122.5],
    ],
  );
  t.end();
});

t.test('the page has a chart of each part that was measured, and loads nothing', async (t) => {
  const said = ['where <it> was', 'a table & another'];
  const html = await page(run, said);
  t.equal(html.match(/<svg/g)?.length, 6);
  t.notMatch(html, /<script|<link|<img|\ssrc=|href="http|url\(http|@import/);
  t.match(html, "default-src 'none'");
  t.match(html, 'where &lt;it&gt; was');
  t.match(html, 'a table &amp; another');
  const { node, v8, flags } = measured;
  const bare = await page({ ...run, measured: [{ node, v8, flags }] }, said);
  t.notMatch(bare, /<svg/, 'and none of what was not');
});

t.test(
  'lines and text have the colour of the text around them, or one for light and one for dark',
  async (t) => {
    const svg = await draw(roundTripsChart(measured, ['a title']));
    t.match(svg, 'a title');
    t.match(svg, 'currentColor');
    t.notMatch(svg, /"(black|#000|#000000)"/);
    t.match(standalone(svg), /^<svg [^>]*>\s*<style>.*prefers-color-scheme: dark/);
  },
);
