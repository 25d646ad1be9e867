import { median } from '../statistics.js';
import type { Rates, Throughput } from '../throughput.js';
import { spread, SPREAD, table, times } from './text.js';

const perSecond = (value: number): string => value.toFixed(value < 10 ? 1 : 0);

/** The most that any number at once gives. */
export function best(rates: readonly Rates[]): number {
  return Math.max(...rates.map((entry) => median(entry.perSecond)));
}

export function reportThroughput({ nodespawner, clone }: Throughput): string {
  const fastest = best(clone);
  const row = (name: string, rates: Rates): string[] => [
    name,
    rates.atOnce.toString(),
    ...spread(rates.perSecond, perSecond),
    times(median(rates.perSecond) / fastest),
  ];
  return [
    'Round trips in a second, as many at once as it says, with the default pool; and bare clone + exit + wait with the same',
    'namespaces, in as many processes.',
    '',
    table(
      ['', 'at once', ...SPREAD.map((name) => (name === 'count' ? 'windows' : name)), 'p50 / best of clone'],
      [
        ...nodespawner.map((rates) => row('round trip', rates)),
        ...clone.map((rates) => row('clone + exit + wait', rates)),
      ],
    ),
  ].join('\n');
}
