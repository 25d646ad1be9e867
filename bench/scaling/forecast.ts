/** What the model says of machines that were not measured. */
import { seededRandom } from '../random.js';
import { median, summarize } from '../statistics.js';
import { arrivals } from './arrivals.js';
import { workOf, type Measured } from './check.js';
import { rateOn, type Model } from './model.js';
import { serversFor } from './queueing.js';
import { simulatePool } from './simulate.js';

export interface Forecast {
  readonly cores: number;
  /** Calls per second of which the cores are busy for `busy` of the time. */
  readonly perSecond: number;
  readonly zygotes: number;
  readonly pool: number;
  readonly burst: number;
  readonly hitShare: number;
  readonly p99: number;
}

/** How busy cores are to be; beyond that, tails grow long. */
export const BUSY = 0.7;
const SIMULATED_MS = 200_000;
const POOLS = [1, 2, 4, 8, 16];
const BURSTS = [1, 8];

/** How many zygotes, if each parks one child at a time and is to do so for no more than half of the time. */
export function zygotesFor(perSecond: number, refillMs: number): number {
  return Math.max(1, Math.ceil((perSecond * refillMs) / 1000 / 0.5));
}

/** Each zygote with its share of calls and cores; they don't help each other out here, though on a machine they do. */
export function forecast(model: Model, measured: Measured, cores: number): Forecast[] {
  const perSecond = BUSY * rateOn(model, cores);
  const slower = 1 + model.contention * (cores - 1);
  const { workShare, refillMs } = measured;
  const refill = median(refillMs) * (workShare * slower + 1 - workShare);
  const zygotes = Math.min(cores, zygotesFor(perSecond, refill));
  return BURSTS.flatMap((burst) =>
    POOLS.map((pool) => {
      const at = arrivals(perSecond / zygotes, burst, SIMULATED_MS, seededRandom(pool));
      const { times, hits } = simulatePool(cores / zygotes, pool, workOf(measured, 2, slower), at);
      return {
        cores,
        perSecond,
        zygotes,
        pool,
        burst,
        hitShare: hits / at.length,
        p99: summarize(times).p99,
      };
    }),
  );
}

export interface Fleet {
  readonly perSecond: number;
  /** Machines whose calls wait for a core in no more than 1 % of cases, if each call goes to any core that is free. */
  readonly shared: number;
  /** The same if each call goes to a machine by chance. */
  readonly byChance: number;
}

const MOST_WAITING = 0.01;

export function fleet(model: Model, cores: number, perSecond: number): Fleet {
  const perCore = rateOn(model, cores) / cores;
  const load = perSecond / perCore;
  let byChance = Math.ceil(load / cores);
  while (serversFor(load / byChance, MOST_WAITING) > cores) byChance++;
  return { perSecond, shared: Math.ceil(serversFor(load, MOST_WAITING) / cores), byChance };
}
