/**
 * How a run ends that doesn't come to its own end: by an error that nobody awaits, or with nothing left to wait for. The
 * listeners are there from the zygote on, after those of preloaded modules: to add them would take each child 45 µs.
 */

/** "Unsettled Top-Level Await": https://nodejs.org/api/process.html#exit-codes */
const UNSETTLED = 13;

let tell: (error: unknown) => void = () => undefined;

/** Node goes on to print the error and to end the process, unless the code handles it itself. */
const onUncaught = (error: unknown): void => {
  if (process.listenerCount('uncaughtException') === 0) tell(error);
};

/** The process ends, as any does; with the code that node itself has for that. */
const onBeforeExit = (): void => {
  process.exitCode ??= UNSETTLED;
};

/** In the zygote. */
export function listenForEnd(): void {
  process.on('uncaughtExceptionMonitor', onUncaught);
  process.on('beforeExit', onBeforeExit);
}

/** In a child that runs no code of ours around the caller's: it ends as a `node` does. */
export function leaveEndAlone(): void {
  process.off('uncaughtExceptionMonitor', onUncaught);
  process.off('beforeExit', onBeforeExit);
}

/** Whom uncaught errors are told to from now on. */
export function tellOfUncaught(listener: (error: unknown) => void): void {
  tell = listener;
}
