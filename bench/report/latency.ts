import type { Latency } from '../latency.js';
import { median } from '../statistics.js';
import { spread, SPREAD, table, times } from './text.js';
import { ROWS } from '../work.js';

export function reportLatency({ series, threads }: Latency): string {
  const floor = median(series.floor);
  const row = (name: string, values: readonly number[], plain: readonly number[]): string[] => [
    name,
    ...spread(values),
    times(median(values) / floor),
    times(median(plain) / median(values)),
  ];
  const { plainFirstLine, plainRoundTrip, waitingFirstLine, waitingRoundTrip } = series;
  return [
    `First line: from spawn() to the first line with apache-arrow usable. Round trip: the sum of a column of a table of ${ROWS}`,
    'rows that is given as bytes, text back, and the process gone. Parked: a child was cloned ahead of demand; on demand:',
    `there is no pool. ${threads} threads are carried along. A node that waits: another that has done the same over and over,`,
    'without a sandbox, and nothing in it is fresh: a yardstick for calls into another process.',
    '',
    table(
      ['', ...SPREAD, 'p50 / L', 'plain p50 / p50'],
      [
        row('first line, parked', series.firstLine, plainFirstLine),
        row('first line, on demand', series.demandFirstLine, plainFirstLine),
        row('first line, plain node', plainFirstLine, plainFirstLine),
        row('first line, a node that waits', waitingFirstLine, plainFirstLine),
        row('round trip, parked', series.roundTrip, plainRoundTrip),
        row('round trip, on demand', series.demandRoundTrip, plainRoundTrip),
        row('round trip, plain node', plainRoundTrip, plainRoundTrip),
        row('round trip, a node that waits', waitingRoundTrip, plainRoundTrip),
        row('L: clone + exit + wait', series.floor, series.floor),
        row('the same with the namespaces of a child', series.namespacedFloor, series.floor),
      ],
    ),
  ].join('\n');
}
