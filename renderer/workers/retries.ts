/** How long, and how often, is tried again what is nobody's fault: a store that is away, a zygote that does not start. */
import { setTimeout as pause } from 'node:timers/promises';
import { StoreError } from '../store/errors.js';
import { DEFAULT_RETRY_MS } from './defaults.js';

/** Before it is tried for the second time, in milliseconds; then up to twice as long each time. */
const FIRST_PAUSE_MS = 500;
const MOST_PAUSE_MS = 10_000;

/** What the store says for sure seldom becomes another thing: a table that has expired, a key that is wrong. */
const SURE_MS = 10_000;

/** From half of it to all of it, so that those that failed together don't come back together. */
export function pauseAfter(tries: number): number {
  const most = Math.min(FIRST_PAUSE_MS * 2 ** (tries - 1), MOST_PAUSE_MS);
  return Math.round(most * (0.5 + Math.random() / 2));
}

/** @param since when it failed for the first time, by `Date.now()` */
export function mayBeTriedAgain(error: unknown, since: number, retryMs: number): boolean {
  const isSure = error instanceof StoreError && !error.isTransient;
  return Date.now() - since < (isSure ? Math.min(retryMs, SURE_MS) : retryMs);
}

/**
 * What is asked of the store on behalf of a step that is done.
 *
 * @throws what the last try throws; the reason of the signal
 */
export async function retried<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
  let since: number | undefined;
  for (let tries = 1; ; tries++) {
    try {
      return await work();
    } catch (error) {
      since ??= Date.now();
      const isWorthIt =
        error instanceof StoreError && error.isTransient && mayBeTriedAgain(error, since, DEFAULT_RETRY_MS);
      if (!isWorthIt || signal.aborted) throw error;
      await pause(pauseAfter(tries), undefined, { signal });
    }
  }
}
