/** What follows from measurements on few cores for many. */

import { straightLine } from '../statistics.js';

/** Of calls that keep all of so many cores busy. */
export interface CoreCount {
  readonly cores: number;
  readonly perSecond: number;
}

export interface Model {
  /** Calls per second of one core alone. */
  readonly perCore: number;
  /**
   * What part of a call each further core adds, by waiting for locks of the kernel and for memory. Amdahl's law, or that of
   * universal scalability without its second term, for which two points are too few.
   */
  readonly contention: number;
}

/** n / rate = (1 + contention (n - 1)) / perCore: a straight line in n - 1, with the least squares of errors. */
export function fit(points: readonly CoreCount[]): Model {
  const line = points.map(({ cores, perSecond }): [number, number] => [cores - 1, cores / perSecond]);
  const { slope, start } = straightLine(line);
  // Faster with each core is what noise looks like.
  return { perCore: 1 / start, contention: Math.max(0, slope / start) };
}

/** Per second, of all cores together. */
export function rateOn({ perCore, contention }: Model, cores: number): number {
  return (perCore * cores) / (1 + contention * (cores - 1));
}
