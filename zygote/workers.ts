/**
 * Worker threads of the child start with the flags that the child seems to have, and not with those of the zygote,
 * which they would take over: these open Node's internals, and are seen in their process.execArgv.
 */
import { internalBinding, isLoaded } from './internals.js';

interface WorkerHandle {
  /** Flags that a worker can't have, such as V8's. Then there is no worker. */
  readonly invalidExecArgv?: readonly string[];
}

/** The flags are the third argument, if they were given. */
type WorkerArguments = [url: unknown, env: unknown, execArgv: readonly string[] | undefined, ...unknown[]];

interface WorkerBinding {
  Worker: new (...args: WorkerArguments) => WorkerHandle;
}

let flags: readonly string[] | undefined;

/** Must come before node:worker_threads is loaded, which takes the native worker from the binding then. */
export function installWorkers(): void {
  if (isLoaded('internal/worker')) return;
  const binding = internalBinding('worker') as WorkerBinding;
  const { Worker: Native } = binding;
  const start = (...[url, env, execArgv, ...rest]: WorkerArguments): WorkerHandle => {
    const given = execArgv ?? flags;
    const handle = new Native(url, env, given, ...rest);
    const { invalidExecArgv } = handle;
    // What the caller gave is the caller's to answer for.
    if (execArgv !== undefined || invalidExecArgv === undefined) return handle;
    return new Native(
      url,
      env,
      given?.filter((flag) => !invalidExecArgv.includes(flag)),
      ...rest,
    );
  };
  binding.Worker = function (...args: WorkerArguments) {
    return start(...args);
  } as unknown as WorkerBinding['Worker'];
}

export function setWorkerFlags(execArgv: readonly string[]): void {
  flags = execArgv;
}
