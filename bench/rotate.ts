/** Contestants take turns, so that whatever else the machine does hits each of them. */
import { setTimeout } from 'node:timers/promises';
import type { Contestant } from './contestants.js';
import { seededRandom } from './random.js';

export interface Turn<T = number> {
  readonly contestant: Contestant<T>;
  /** How often it is measured, spread over all rounds. The most that any of them has is the number of rounds. */
  readonly times: number;
  /** Before each measurement, in milliseconds. @default PAUSE_MS */
  readonly pauseMs?: number;
}

/** Between two measurements, in milliseconds: what the last one left to be done is done when it is over. */
export const PAUSE_MS = 15;

/** In an order of its own for each round, lest one of them always comes after the same other. */
function shuffled<T>(values: readonly T[], random: () => number): T[] {
  const result = [...values];
  for (let i = result.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [result[i], result[j]] = [result[j] as T, result[i] as T];
  }
  return result;
}

/**
 * @param warmUp how many rounds there are before those that count, of all that are in every round
 * @returns all that was measured: nothing is left out
 */
export async function rotate<K extends string, T = number>(
  turns: Readonly<Record<K, Turn<T>>>,
  warmUp: number,
  onRound?: (round: number) => void,
): Promise<Record<K, T[]>> {
  const names = Object.keys(turns) as K[];
  const rounds = Math.max(...names.map((name) => turns[name].times));
  const series = Object.fromEntries(names.map((name) => [name, [] as T[]])) as Record<K, T[]>;
  const random = seededRandom(1);
  for (let round = -warmUp; round < rounds; round++) {
    for (const name of shuffled(names, random)) {
      const { contestant, times, pauseMs = PAUSE_MS } = turns[name];
      const isDue =
        Math.floor(((round + 1) * times) / rounds) > Math.floor((round * times) / rounds) &&
        (round >= 0 || times === rounds);
      if (!isDue) continue;
      await setTimeout(pauseMs);
      await contestant.prepare?.();
      const measured = await contestant.measure();
      if (round >= 0) series[name].push(measured);
    }
    onRound?.(round);
  }
  return series;
}
