/** How many calls are done in a second, however many are under way at once, and how many bare clones with the same namespaces? */
import { setTimeout } from 'node:timers/promises';
import os from 'node:os';
import type { Zygote } from '../lib/index.js';
import { namespaceFlags, startCloneFloor, type CloneFloor } from './clone-floor.js';
import { nodespawnerRoundTrip, whenParked } from './contestants.js';
import type { Plan } from './plan.js';
import { startZygote } from './zygotes.js';

/** Per second, for each window. */
export interface Rates {
  readonly atOnce: number;
  readonly perSecond: readonly number[];
}

export interface Throughput {
  readonly nodespawner: readonly Rates[];
  /** clone, exit and wait of a tiny static program, with the namespaces of a child. */
  readonly clone: readonly Rates[];
}

/** Before each window, in milliseconds. */
const PAUSE_MS = 100;

type Window = (ms: number) => Promise<number>;

/** Keeps so many calls under way, and counts those that ended, up to the last one. */
export function callsPerSecond(zygote: Zygote, atOnce: number): Window {
  const call = nodespawnerRoundTrip(zygote, true);
  const ready = whenParked(zygote, true);
  return async (ms) => {
    await ready();
    const start = performance.now();
    let count = 0;
    await Promise.all(
      Array.from({ length: atOnce }, async () => {
        while (performance.now() - start < ms) {
          await call.measure();
          count++;
        }
      }),
    );
    return (count / (performance.now() - start)) * 1000;
  };
}

export async function throughput(plan: Plan): Promise<Throughput> {
  const { windows, windowMs, preload } = plan;
  const zygote = await startZygote(preload);
  const flags = namespaceFlags(zygote.sandbox.layers);
  const floors: CloneFloor[] = Array.from({ length: 2 * os.availableParallelism() }, () =>
    startCloneFloor(flags),
  );

  const nodespawner = plan.atOnce.map((atOnce) => ({ atOnce, perSecond: [] as number[] }));
  const clone = floors.map((_, i) => ({ atOnce: i + 1, perSecond: [] as number[] }));
  const all: [Window, number[]][] = [
    ...nodespawner.map(({ atOnce, perSecond }): [Window, number[]] => [
      callsPerSecond(zygote, atOnce),
      perSecond,
    ]),
    ...clone.map(({ atOnce, perSecond }): [Window, number[]] => [
      async (ms) => {
        const rates = await Promise.all(floors.slice(0, atOnce).map((floor) => floor.perSecond(ms)));
        return rates.reduce((sum, rate) => sum + rate, 0);
      },
      perSecond,
    ]),
  ];
  // The first round does not count.
  for (let round = -1; round < windows; round++) {
    for (const [window, perSecond] of all) {
      await setTimeout(PAUSE_MS);
      const rate = await window(round < 0 ? windowMs / 2 : windowMs);
      if (round >= 0) perSecond.push(rate);
    }
  }
  await zygote.close();
  for (const floor of floors) await floor[Symbol.asyncDispose]();
  return { nodespawner, clone };
}
