/** How calls are distributed. */
import type { TopLevelSpec } from 'vega-lite';
import type { Latency } from '../latency.js';
import { HEIGHT, WIDTH } from './size.js';

type SeriesName = keyof Latency['series'];

const NAMES: Record<SeriesName, string> = {
  firstLine: 'first line, parked',
  demandFirstLine: 'first line, on demand',
  plainFirstLine: 'first line, plain node',
  roundTrip: 'round trip, parked',
  demandRoundTrip: 'round trip, on demand',
  plainRoundTrip: 'round trip, plain node',
  waitingFirstLine: 'first line, a node that waits',
  waitingRoundTrip: 'round trip, a node that waits',
  floor: 'L: clone + exit + wait',
  namespacedFloor: 'the same with namespaces',
};
const SHOWN = (Object.keys(NAMES) as SeriesName[]).filter((name) => name !== 'namespacedFloor');

export interface Point {
  readonly name: string;
  readonly ms: number;
  readonly share: number;
}

/** For each measured value, what part of all is not above it. */
export function cumulated(name: string, values: readonly number[]): Point[] {
  return [...values]
    .sort((a, b) => a - b)
    .map((ms, i, { length }) => ({ name, ms, share: (i + 1) / length }));
}

/** Parts of a power of ten. */
const BINS = 10;

/** What part of all lies in each bin, from the first to the last that isn't empty, and an empty one after them. */
export function binned(name: string, values: readonly number[]): Point[] {
  const counts = new Map<number, number>();
  for (const value of values) {
    const bin = Math.floor(Math.log10(value) * BINS);
    counts.set(bin, (counts.get(bin) ?? 0) + 1);
  }
  const [first, last] = [Math.min(...counts.keys()), Math.max(...counts.keys())];
  return Array.from({ length: last - first + 2 }, (_, i) => ({
    name,
    ms: 10 ** ((first + i) / BINS),
    share: (counts.get(first + i) ?? 0) / values.length,
  }));
}

function chart(points: readonly Point[], share: string): TopLevelSpec {
  return {
    width: WIDTH,
    height: HEIGHT,
    data: { values: [...points] },
    mark: { type: 'line', interpolate: 'step-after' },
    encoding: {
      x: { field: 'ms', type: 'quantitative', scale: { type: 'log' }, title: 'milliseconds' },
      y: { field: 'share', type: 'quantitative', axis: { format: '%' }, title: share },
      color: { field: 'name', type: 'nominal', sort: null, title: null },
    },
  };
}

export function latencyCdf({ series }: Latency): TopLevelSpec {
  return chart(
    SHOWN.flatMap((name) => cumulated(NAMES[name], series[name])),
    'of all calls, done by then',
  );
}

export function latencyHistogram({ series }: Latency): TopLevelSpec {
  return chart(
    SHOWN.flatMap((name) => binned(NAMES[name], series[name])),
    'of all calls, in a tenth of a power of ten',
  );
}
