/** Is any ratio much worse than that of the baseline? */
import { RATIO_NAMES, toleranceOf, type RatioName, type Ratios } from './ratios.js';

/** A ratio that fails is measured once more, in so many times the rounds. */
export const RETRY_ROUNDS = 3;

export interface Verdict {
  readonly name: RatioName;
  /** NaN if it was not measured. */
  readonly found: number;
  /** NaN if there is none. */
  readonly baseline: number;
  readonly isRetried: boolean;
  readonly isGood: boolean;
}

export type Measure = (names: readonly RatioName[], rounds: number) => Promise<Ratios>;

function judge(name: RatioName, ratios: Ratios, baseline: Ratios, isRetried: boolean): Verdict {
  const [found = NaN, limit = NaN] = [ratios[name], baseline[name]];
  // False where either is missing.
  return { name, found, baseline: limit, isRetried, isGood: found <= limit * toleranceOf(name) };
}

/** @param baseline what is known of this Node */
export async function check(baseline: Ratios, measure: Measure, rounds: number): Promise<Verdict[]> {
  const first = await measure(RATIO_NAMES, rounds);
  const verdicts = RATIO_NAMES.map((name) => judge(name, first, baseline, false));
  const worse = verdicts.filter((verdict) => !verdict.isGood && !Number.isNaN(verdict.baseline));
  if (worse.length === 0) return verdicts;
  const names = worse.map(({ name }) => name);
  const second = await measure(names, rounds * RETRY_ROUNDS);
  return verdicts.map((verdict) =>
    names.includes(verdict.name) ? judge(verdict.name, second, baseline, true) : verdict,
  );
}
