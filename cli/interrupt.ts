/** Ctrl-C, and the other signals by which a command is told to end. */

import { once } from 'node:events';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

const controller = new AbortController();
let received: NodeJS.Signals | undefined;

/** Aborted at the first one: what runs is ended, and what was begun is removed. */
export const interruption: AbortSignal = controller.signal;

/** The one after that ends the command at once; the kernel then ends the zygote and all its children. */
export function watchSignals(): void {
  for (const signal of SIGNALS) {
    process.once(signal, () => {
      received = signal;
      controller.abort(new Error(`ended by ${signal}`));
    });
  }
}

/** Resolves when the command is told to end. */
export async function ended(signal: AbortSignal): Promise<void> {
  // A process whose event loop has nothing else to wait for would end.
  const alive = setInterval(() => undefined, 2 ** 30);
  if (!signal.aborted) await once(signal, 'abort');
  clearInterval(alive);
}

/** It has done what it was told, and ends as always. */
export function heeded(): void {
  received = undefined;
}

/** Ends as whoever waits for this process expects of one that was told to: by the signal. */
export function dieOfSignal(): boolean {
  if (received === undefined) return false;
  for (const signal of SIGNALS) process.removeAllListeners(signal);
  process.kill(process.pid, received);
  return true;
}
