import type { TopLevelSpec } from 'vega-lite';
import type { Throughput } from '../throughput.js';
import { bandChart } from './band.js';

export function throughputChart({ nodespawner, clone }: Throughput): TopLevelSpec {
  const places = [
    ...nodespawner.map((rates) => ({ ...rates, name: 'round trip' })),
    ...clone.map((rates) => ({ ...rates, name: 'clone + exit + wait' })),
  ];
  return bandChart(
    places.map(({ name, atOnce, perSecond }) => ({ name, x: atOnce, values: perSecond })),
    { x: 'calls under way at once', y: 'per second', scale: 'linear' },
  );
}
