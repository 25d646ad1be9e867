/** What is asked of the store on behalf of a step that is done: it is nobody's fault if the store is away for a moment. */
import { setTimeout as pause } from 'node:timers/promises';
import { StoreError } from '../store/errors.js';
import { BACKOFF_MS, DEFAULT_ATTEMPTS } from './defaults.js';

/** As often as a step is tried, and as late. @throws what the last try throws; the reason of the signal */
export async function retried<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await work();
    } catch (error) {
      const isWorthIt = error instanceof StoreError && error.isTransient && tries < DEFAULT_ATTEMPTS;
      if (!isWorthIt || signal.aborted) throw error;
      await pause(BACKOFF_MS * 2 ** (tries - 1), undefined, { signal });
    }
  }
}
