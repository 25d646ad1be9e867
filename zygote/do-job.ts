/** From the message with the job to the user's code. */
import type { ReceivedMessage, ZygoteAddon } from './addon.js';
import { becomeFresh } from './fresh.js';
import { fdAt, openTables, readJob } from './job.js';
import type { ModuleRegistry } from './modules.js';
import { runEntry } from './run-entry.js';
import { runSource, type SourceRun } from './run-source.js';

/** Where a job is done. */
export interface Workplace {
  readonly addon: Pick<
    ZygoteAddon,
    | 'duplicateTo'
    | 'mapPrivate'
    | 'mapUncounted'
    | 'resetStartTime'
    | 'processId'
    | 'reportOutOfMemory'
    | 'exitNow'
  >;
  readonly registry: ModuleRegistry;
  /** What the job has if it says nothing else. */
  readonly environment: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly execArgv: readonly string[];
  /** @default as it is */
  readonly title?: string | undefined;
  /** The process that ends with the job, and how. @default this one, as any does */
  readonly run?: Pick<SourceRun, 'process' | 'exit'>;
}

/** What the standard streams are called in a job, in the order of their numbers. */
const STREAMS = ['stdin', 'stdout', 'stderr'] as const;

/** Returns when the code has been started; the event loop does the rest. */
export function doJob(workplace: Workplace, message: ReceivedMessage): void {
  const { addon, registry, environment, cwd, execArgv, title, run } = workplace;
  const job = readJob(addon, message);
  for (const [number, name] of STREAMS.entries()) {
    const index = job.fds[name];
    if (index !== undefined) addon.duplicateTo(fdAt(message, index), number);
  }
  const tables = openTables(addon, message, job.tables);

  const hasStartTime = addon.resetStartTime();
  const filename = job.task.kind === 'source' ? job.task.filename : job.task.specifier;
  becomeFresh({
    pid: addon.processId(),
    argv: [process.execPath, filename, ...(job.argv ?? [])],
    execArgv,
    env: job.env ?? environment,
    title,
    replaceUptime: !hasStartTime,
  });

  const enter = (): void => {
    process.chdir(job.cwd ?? cwd);
  };
  if (job.task.kind === 'preloaded') {
    runEntry(job.task, registry, enter);
    return;
  }
  const resultFd = fdAt(message, job.fds.result);
  const outputFd = fdAt(message, job.fds.output);
  const { task, limits } = job;
  runSource({ addon, registry, task, tables, limits, resultFd, outputFd, enter, ...run });
}
