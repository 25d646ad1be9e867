import type { Verdict } from '../smoke/check.js';
import { RATIOS, toleranceOf } from '../smoke/ratios.js';
import { table } from './text.js';

const ratio = (value: number): string => (Number.isNaN(value) ? 'missing' : value.toPrecision(3));

export function reportSmoke(verdicts: readonly Verdict[]): string {
  return table(
    ['ratio, the less the better', 'found', 'baseline', 'found / baseline', 'at most', 'good'],
    verdicts.map(({ name, found, baseline, isRetried, isGood }) => [
      RATIOS[name].what,
      ratio(found),
      ratio(baseline),
      ratio(found / baseline),
      String(toleranceOf(name)),
      `${isGood ? 'yes' : 'NO'}${isRetried ? ', at the second try' : ''}`,
    ]),
  );
}
