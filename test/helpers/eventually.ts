import { setTimeout as pause } from 'node:timers/promises';

/** Long enough for the slowest machine: what isn't true by then never will be. */
const PATIENCE_MS = 20_000;

/** Waits until `look` finds something that is neither undefined nor false. Fails, saying what, if it never does. */
export async function eventually<T>(
  what: string,
  look: () => T | undefined | false | Promise<T | undefined | false>,
): Promise<T> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > deadline) throw new Error(`still not so after ${PATIENCE_MS / 1000} s: ${what}`);
    await pause(10);
  }
}
