/** What was measured, for people. */
import type { CallName } from '../../bench/calls.js';
import { ms, table, times } from '../../bench/report/text.js';
import { median, summarize } from '../../bench/statistics.js';
import { ROWS } from '../../bench/work.js';
import { print } from '../output.js';

export interface Measured {
  readonly node: string;
  readonly kernel: string;
  readonly cpu: string;
  readonly cores: number;
  /** Of os.loadavg(). */
  readonly load: { readonly before: readonly number[]; readonly after: readonly number[] };
  /** In milliseconds. */
  readonly series: Readonly<Record<CallName, readonly number[]>>;
}

export function show({ node, kernel, cpu, cores, load, series }: Measured): void {
  const row = (what: string, name: CallName, plain: CallName): string[] => {
    const { count, p50, p99 } = summarize(series[name]);
    return [what, String(count), ms(p50), ms(p99), times(median(series[plain]) / p50)];
  };
  const [before = 0] = load.before;
  const [after = 0] = load.after;
  print(`Node ${node}, Linux ${kernel}, ${cores} cores of ${cpu}, load ${before.toFixed(1)} to ${after.toFixed(1)}

First line: from spawn() to the first line of the code, apache-arrow loaded. Round trip: the sum of a column of a table of
${ROWS} rows, and the process gone. Parked: a child was cloned ahead of demand. Milliseconds.

${table(
  ['', 'count', 'p50', 'p99', 'plain p50 / p50'],
  [
    row('first line, parked', 'firstLine', 'plainFirstLine'),
    row('first line, on demand', 'demandFirstLine', 'plainFirstLine'),
    row('first line, plain node', 'plainFirstLine', 'plainFirstLine'),
    row('round trip, parked', 'roundTrip', 'plainRoundTrip'),
    row('round trip, on demand', 'demandRoundTrip', 'plainRoundTrip'),
    row('round trip, plain node', 'plainRoundTrip', 'plainRoundTrip'),
  ],
)}`);
}
