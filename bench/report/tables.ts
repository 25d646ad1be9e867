import { median } from '../statistics.js';
import type { TableSize, TableTimes } from '../tables.js';
import { ms, size, spread, SPREAD, table, times } from './text.js';

export function reportTables(tables: readonly TableSize[]): string {
  const of = ({ times }: TableSize, which: keyof TableTimes): number[] => times.map((call) => call[which]);
  const smallest = tables[0] === undefined ? NaN : median(of(tables[0], 'firstLineMs'));
  return [
    'A table that lies in shared memory, given to a parked child: time to the first line of the code; until it has read the',
    "table's last value; until the result is there.",
    '',
    table(
      ['table', ...SPREAD, 'p50 / that of the smallest', 'last value, p50', 'round trip, p50'],
      tables.map((entry) => [
        size(entry.bytes),
        ...spread(of(entry, 'firstLineMs')),
        times(median(of(entry, 'firstLineMs')) / smallest),
        ms(median(of(entry, 'lastValueMs'))),
        ms(median(of(entry, 'roundTripMs'))),
      ]),
    ),
  ].join('\n');
}
