/** A child that runs a preloaded entry: spawnProcess(). */
import { Handle } from './handle.js';
import { addStandardFds, packJob } from './job-message.js';
import { keptAlive } from './keep-alive.js';
import type { CheckedEntry, CheckedProcessOptions } from './options.js';
import { MAX_RESULT_DEPTH } from './result-limits.js';
import { RunningChild, toSpawnError } from './running-child.js';
import { Stdio } from './stdio.js';
import type { ChildProcess, ExitStatus } from './types.js';
import type { ZygoteContext } from './zygote-context.js';

class EntryChild extends Handle implements ChildProcess {
  readonly #running: RunningChild;

  constructor(running: RunningChild, stdio: Stdio, pid: number) {
    super(running, stdio, pid);
    this.#running = running;
  }

  async wait(): Promise<ExitStatus> {
    const { killed, oomKills, taskFails, ...rest } = await this.#running.ended;
    return {
      ...rest,
      killed: killed === null || killed.kind === 'limitExceeded' ? null : killed.kind,
      outputExceeded: killed?.kind === 'limitExceeded' && killed.limit === 'outputBytes',
      outOfMemory: oomKills > 0,
      tasksExceeded: taskFails > 0,
    };
  }
}

export async function startEntry(
  context: ZygoteContext,
  entry: CheckedEntry,
  options: CheckedProcessOptions,
): Promise<ChildProcess> {
  const startedAt = performance.now();
  let stdio: Stdio | undefined;
  let running;
  try {
    const streams = (stdio = new Stdio(options, context.limits.outputBytes));
    const fds: number[] = [];
    const job = await packJob(
      {
        task: { kind: 'preloaded', specifier: entry.module, exportName: entry.export, args: entry.args },
        tables: [],
        fds: addStandardFds(streams.childFds, fds),
        limits: {
          maxResultBytes: 0,
          maxResultDepth: MAX_RESULT_DEPTH,
          maxResultElements: 0,
          maxTableBytes: 0,
        },
        argv: options.argv,
        env: options.env,
        cwd: options.cwd,
      },
      fds,
    );
    running = new RunningChild(context, options, streams, job, startedAt, () => {
      streams.closeChildFds();
    });
  } catch (error) {
    stdio?.closeChildFds();
    if (stdio !== undefined) await keptAlive(Promise.resolve(stdio.finish()));
    throw toSpawnError(error);
  }
  return new EntryChild(running, stdio, await running.started);
}
