import type { Footprint, Memory } from '../memory.js';
import { median, straightLine } from '../statistics.js';
import { mb, table } from './text.js';

/** What one more of them adds to the PSS of all together: the slope of a straight line through all counts. */
export function addedPss(footprints: readonly Footprint[]): number {
  return straightLine(footprints.map(({ count, totalPss }) => [count, totalPss])).slope;
}

export function reportMemory({ parked, plainNode }: Memory): string {
  const row =
    (name: string, all: readonly Footprint[]) =>
    (footprint: Footprint): string[] => [
      name,
      footprint.count.toString(),
      mb(median(footprint.each.map(({ uss }) => uss))),
      mb(median(footprint.each.map(({ pss }) => pss))),
      mb(median(footprint.each.map(({ pageTables }) => pageTables))),
      mb(footprint.totalPss),
      footprint === all.at(-1) ? mb(addedPss(all)) : '',
    ];
  return [
    'MB of idle processes with apache-arrow loaded. USS, PSS and tables of pages: the median of each child. Total PSS: with',
    'the zygote and its helpers. Added: by one more, from all counts.',
    '',
    table(
      ['', 'how many', 'USS', 'PSS', 'page tables', 'total PSS', 'added'],
      [...parked.map(row('parked child', parked)), ...plainNode.map(row('plain node', plainNode))],
    ),
  ].join('\n');
}
