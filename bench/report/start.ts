import type { Start } from '../start.js';
import { median } from '../statistics.js';
import { spread, SPREAD, table, times } from './text.js';

export function reportStart({ zygote, plainNode, bareNode }: Start): string {
  const row = (name: string, values: readonly number[]): string[] => [
    name,
    ...spread(values),
    times(median(values) / median(plainNode)),
  ];
  return [
    'Start of a zygote with apache-arrow, up to its first parked child, and of a plain node up to its first line.',
    '',
    table(
      ['', ...SPREAD, 'p50 / plain p50'],
      [
        row('zygote', zygote),
        row('plain node with apache-arrow', plainNode),
        row('plain node, nothing loaded', bareNode),
      ],
    ),
  ].join('\n');
}
