// A target is met or not by what was found, and is held against what a node that waits found where that does the same.
import t from 'tap';
import type { Measured } from '../../../bench/measured.js';
import { reportTargets } from '../../../bench/report/targets.js';
import { isMet, targets } from '../../../bench/targets.js';

const NODE = { node: 'v24.0.0', v8: '13', flags: [] };

t.test('latencies are multiples of L, medians beside those of a node that waits', (t) => {
  const series = {
    floor: [0.2],
    namespacedFloor: [0.9],
    firstLine: [0.15],
    roundTrip: [2],
    demandFirstLine: [3],
    demandRoundTrip: [1.5],
    plainFirstLine: [60],
    plainRoundTrip: [70],
    waitingFirstLine: [0.4],
    waitingRoundTrip: [1],
  };
  const latency = { series } as unknown as NonNullable<Measured['latency']>;
  const found = targets({ ...NODE, latency });
  const near = (value: number | undefined): number | undefined =>
    value === undefined ? undefined : Math.round(value * 100) / 100;
  t.same(
    found.map((target) => [near(target.found), target.limit, isMet(target), near(target.yardstick)]),
    [
      [0.75, 1, true, 2],
      [0.75, 4, true, undefined],
      [10, 3, false, 5],
      [10, 8, false, undefined],
      [7.5, 8, true, undefined],
      [7.5, 16, true, undefined],
    ],
  );
  t.match(reportTargets(found), 'a node that waits');
  t.end();
});

t.test('rates are to be high, and the column of the yardstick is there only where there is one', (t) => {
  const throughput = {
    nodespawner: [{ atOnce: 1, perSecond: [100] }],
    clone: [{ atOnce: 1, perSecond: [1000] }],
  };
  const [target, ...others] = targets({ ...NODE, throughput });
  t.same(others, []);
  t.match(target, { found: 0.1, limit: 0.2, isMost: false });
  t.notOk(isMet(target!));
  t.notMatch(reportTargets([target!]), 'a node that waits');
  t.end();
});
