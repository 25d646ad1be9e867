/**
 * What the smoke benchmark compares. Both sides of a ratio are whole processes or the like, measured in turns in the same
 * run: load slows both down. L is not among them: it is so short that it is often done before anybody else gets the CPU.
 */

/** Who is measured: ours, and what it is compared with. */
export type SmokeContestant =
  | 'firstLine'
  | 'plainFirstLine'
  | 'roundTrip'
  | 'demandRoundTrip'
  | 'plainRoundTrip'
  | 'fourAtOnce'
  | 'zygoteStart'
  | 'largeTable'
  | 'smallTable'
  | 'childMemory'
  | 'plainMemory';

export interface Ratio {
  readonly what: string;
  readonly of: SmokeContestant;
  readonly to: SmokeContestant;
  /** Found worse than the baseline by more than this: failed. @default TOLERANCE */
  readonly tolerance?: number;
}

const TOLERANCE = 2;

/** The less, the better. */
export const RATIOS = {
  // Most of it is for a processor that was idle to get going, with nothing in its caches. Where others use the same
  // physical machine, it came out at 0.013 to 0.037 within a few hours, and all other ratios within the tolerance.
  firstLine: { what: 'first line, parked / plain node', of: 'firstLine', to: 'plainFirstLine', tolerance: 3 },
  roundTrip: { what: 'round trip, parked / plain node', of: 'roundTrip', to: 'plainRoundTrip' },
  demandRoundTrip: {
    what: 'round trip, on demand / plain node',
    of: 'demandRoundTrip',
    to: 'plainRoundTrip',
  },
  fourAtOnce: { what: 'four round trips at once / plain node', of: 'fourAtOnce', to: 'plainRoundTrip' },
  zygoteStart: { what: 'start of a zygote / plain node', of: 'zygoteStart', to: 'plainFirstLine' },
  largeTable: { what: 'first line, table of 16 MB / 1 KB', of: 'largeTable', to: 'smallTable' },
  childMemory: { what: 'USS of a parked child / plain node', of: 'childMemory', to: 'plainMemory' },
} as const satisfies Record<string, Ratio>;

export type RatioName = keyof typeof RATIOS;

export function toleranceOf(name: RatioName): number {
  const ratio: Ratio = RATIOS[name];
  return ratio.tolerance ?? TOLERANCE;
}

export const RATIO_NAMES = Object.keys(RATIOS) as RatioName[];
export type Ratios = Readonly<Partial<Record<RatioName, number>>>;
