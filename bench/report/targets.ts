import { isMet, type Target } from '../targets.js';
import { table, times } from './text.js';

export function reportTargets(targets: readonly Target[]): string {
  const isCompared = targets.some(({ yardstick }) => yardstick !== undefined);
  const limit = (target: Target): string => `${target.isMost ? '≤' : '≥'} ${times(target.limit)}`;
  return table(
    ['what', 'found', 'target', 'met', ...(isCompared ? ['a node that waits'] : []), 'unit'],
    targets.map((target) => [
      target.what,
      times(target.found),
      limit(target),
      isMet(target) ? 'yes' : 'no',
      ...(isCompared ? [target.yardstick === undefined ? '' : times(target.yardstick)] : []),
      target.unit,
    ]),
  );
}
