/** Ctrl-C, and the other signals by which a command is told to end. */

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

/** Ends as whoever waits for this process expects of one that was told to: by the signal. */
export function dieOfSignal(): boolean {
  if (received === undefined) return false;
  for (const signal of SIGNALS) process.removeAllListeners(signal);
  process.kill(process.pid, received);
  return true;
}
