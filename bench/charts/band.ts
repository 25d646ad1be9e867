/** Medians as a line, and quartiles as a band around it. */
import type { TopLevelSpec } from 'vega-lite';
import { summarize } from '../statistics.js';
import { HEIGHT, WIDTH } from './size.js';

export interface Place {
  readonly name: string;
  readonly x: number;
  readonly values: readonly number[];
}

export function bandChart(
  places: readonly Place[],
  axes: { x: string; y: string; scale: 'linear' | 'log'; format?: string },
): TopLevelSpec {
  const values = places.map(({ name, x, values }) => ({ name, x, ...summarize(values) }));
  const color = { field: 'name', type: 'nominal', sort: null, title: null } as const;
  const x = {
    field: 'x',
    type: 'quantitative',
    title: axes.x,
    scale: { type: axes.scale },
    axis: { format: axes.format ?? '~s' },
  } as const;
  return {
    width: WIDTH,
    height: HEIGHT,
    data: { values },
    encoding: { x, color },
    layer: [
      {
        mark: { type: 'area', opacity: 0.2 },
        encoding: {
          y: { field: 'p25', type: 'quantitative', title: axes.y, scale: { zero: true } },
          y2: { field: 'p75' },
        },
      },
      {
        mark: { type: 'line', point: true },
        encoding: { y: { field: 'p50', type: 'quantitative', title: axes.y } },
      },
    ],
  };
}
