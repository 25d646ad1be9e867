import type { TopLevelSpec } from 'vega-lite';
import type { TableSize, TableTimes } from '../tables.js';
import { bandChart } from './band.js';

const NAMES: Record<keyof TableTimes, string> = {
  firstLineMs: 'first line',
  lastValueMs: 'has read the last value',
  roundTripMs: 'round trip',
};

export function tablesChart(tables: readonly TableSize[]): TopLevelSpec {
  const places = tables.flatMap(({ bytes, times }) =>
    (Object.entries(NAMES) as [keyof TableTimes, string][]).map(([which, name]) => ({
      name,
      x: bytes,
      values: times.map((call) => call[which]),
    })),
  );
  return bandChart(places, { x: 'bytes of the table', y: 'milliseconds', scale: 'log' });
}
