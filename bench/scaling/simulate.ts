/**
 * A pool of parked children as a simulation of discrete events. What a call and a refill take is work for cores that all
 * share, and waiting. As in lib/pool.ts: a call that finds a child is a hit, one that doesn't clones its own, and one child at a time is
 * parked, as soon as calls leave a core for it, and after a while in any case.
 */
import { leaveACore, REFILL_AT_LATEST_MS } from '../../lib/pool.js';
import { Processor } from './processor.js';

/** In milliseconds. */
export interface Step {
  /** On a core of its own. */
  readonly work: number;
  /** For what isn't a core of ours: others, timers, devices. */
  readonly wait: number;
}

export interface Work {
  readonly parked: () => Step;
  readonly onDemand: () => Step;
  readonly refill: () => Step;
}

export interface Simulated {
  /** Of each call, in the order of their ends. */
  readonly times: readonly number[];
  /** How many found a parked child. */
  readonly hits: number;
  /** How many found all cores busy. */
  readonly crowded: number;
}

/** @param at when calls come, in milliseconds, in order */
export function simulatePool(cores: number, pool: number, work: Work, at: readonly number[]): Simulated {
  const processor = new Processor(cores);
  const times: number[] = [];
  let parked = pool;
  let isRefilling = false;
  /** What was begun to hold the refill up. */
  let heldUp: object | undefined;
  let atWork = 0;
  let hits = 0;
  let crowded = 0;
  const start = ({ work, wait }: Step, onDone: () => void): void => {
    processor.start(work, () => {
      processor.wait(wait, onDone);
    });
  };
  const refillSoon = (): void => {
    if (leaveACore(atWork, cores)) {
      refill();
    } else if (heldUp === undefined && !isRefilling && parked < pool) {
      const since = (heldUp = {});
      processor.wait(REFILL_AT_LATEST_MS, () => {
        if (heldUp === since) refill();
      });
    }
  };
  const refill = (): void => {
    heldUp = undefined;
    if (isRefilling || parked >= pool) return;
    isRefilling = true;
    start(work.refill(), () => {
      isRefilling = false;
      parked++;
      refillSoon();
    });
  };
  for (const time of at) {
    processor.runUntil(time);
    if (processor.isFull) crowded++;
    const isHit = parked > 0;
    if (isHit) {
      hits++;
      parked--;
    }
    atWork++;
    start(isHit ? work.parked() : work.onDemand(), () => {
      times.push(processor.now - time);
      atWork--;
      refillSoon();
    });
    refillSoon();
  }
  processor.finish();
  return { times, hits, crowded };
}
