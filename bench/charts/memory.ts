import type { TopLevelSpec } from 'vega-lite';
import type { Memory } from '../memory.js';
import { bandChart } from './band.js';

export function memoryChart({ parked, plainNode }: Memory): TopLevelSpec {
  const places = [
    ...parked.map((footprint) => ({ ...footprint, name: 'parked children, with the zygote' })),
    ...plainNode.map((footprint) => ({ ...footprint, name: 'plain node' })),
  ];
  return bandChart(
    places.map(({ name, count, totalPss }) => ({ name, x: count, values: [totalPss / 1e6] })),
    { x: 'processes that idle', y: 'PSS of all together, MB', scale: 'linear' },
  );
}
