/** The simulation beside what it simulates: the same calls at the same times. */
import { seededRandom } from '../random.js';
import { median } from '../statistics.js';
import { arrivals } from './arrivals.js';
import { simulatePool, type Simulated, type Step, type Work } from './simulate.js';
import type { PoolRun } from './pool-run.js';

export interface Case {
  readonly pool: number;
  readonly perSecond: number;
  /** Calls in a burst, on average. */
  readonly burst: number;
}

export interface Checked extends Case {
  readonly real: PoolRun;
  readonly simulated: Simulated;
}

/** Of what was measured, the rest is taken for waiting until others let go of a core, which isn't work. */
const WORK_SHARE = 0.9;

/** Draws from what was measured, so that the spread is that of the measurement. */
export function sampled(values: readonly number[], random: () => number): () => number {
  const sorted = [...values].sort((a, b) => a - b).slice(0, Math.ceil(WORK_SHARE * values.length));
  return () => sorted[Math.floor(random() * sorted.length)] ?? NaN;
}

export interface Measured {
  readonly parkedMs: readonly number[];
  readonly onDemandMs: readonly number[];
  readonly refillMs: readonly number[];
  /** What part of those times a core works for them; the rest they wait, for instance while others have the cores. */
  readonly workShare: number;
}

/** @param cpuMs CPU time of a call and of the child that takes the place of the one it took */
export function workShareOf(cpuMs: number, parkedMs: readonly number[], refillMs: readonly number[]): number {
  return Math.min(1, cpuMs / (median(parkedMs) + median(refillMs)));
}

/** @param slower all work takes so many times as long */
export function workOf(
  { parkedMs, onDemandMs, refillMs, workShare }: Measured,
  seed: number,
  slower = 1,
): Work {
  const random = seededRandom(seed);
  const draw = (values: readonly number[]): (() => Step) => {
    const next = sampled(values, random);
    return () => {
      const ms = next();
      return { work: ms * workShare * slower, wait: ms * (1 - workShare) };
    };
  };
  return { parked: draw(parkedMs), onDemand: draw(onDemandMs), refill: draw(refillMs) };
}

/** How often the same calls are simulated: they cost nothing, and the tail wants many. */
const REPEATS = 50;

export async function checkCase(
  one: Case,
  cores: number,
  measured: Measured,
  ms: number,
  run: (pool: number, at: readonly number[]) => Promise<PoolRun>,
): Promise<Checked> {
  const { pool, perSecond, burst } = one;
  const at = arrivals(perSecond, burst, ms, seededRandom(pool + burst));
  const real = await run(pool, at);
  const work = workOf(measured, 1);
  const repeated = Array.from({ length: REPEATS }, () => simulatePool(cores, pool, work, at));
  const sum = (of: (simulated: Simulated) => number): number =>
    repeated.reduce((total, simulated) => total + of(simulated), 0);
  const simulated = {
    times: repeated.flatMap(({ times }) => times),
    hits: sum(({ hits }) => hits),
    crowded: sum(({ crowded }) => crowded),
  };
  return { ...one, real, simulated };
}
