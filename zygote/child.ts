/** The child, from the clone to the user's code. */
import fs from 'node:fs';
import type { ZygoteAddon } from './addon.js';
import { becomeFresh } from './fresh.js';
import { fdAt, openTables, MAX_MESSAGE_BYTES, readJob } from './job.js';
import type { ModuleRegistry } from './modules.js';
import { freshRandom } from './random.js';
import { rehearse, type Rehearsal } from './rehearsal.js';
import { runEntry } from './run-entry.js';
import { runSource } from './run-source.js';

export interface ChildContext {
  readonly addon: ZygoteAddon;
  /** Its job socket; of a scout, what it reports to. */
  readonly fd: number;
  readonly registry: ModuleRegistry;
  readonly rehearsal: Rehearsal;
  readonly scoutRehearsal: Rehearsal;
  readonly environment: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly execArgv: readonly string[];
}

/** What the standard streams are called in a job, in the order of their numbers. */
const STREAMS = ['stdin', 'stdout', 'stderr'] as const;

const PAGE_BYTES = 4096;

/** What precedes the code, on nothing of anybody's; see rehearsal.ts. */
function rehearseArrival({ addon, environment, execArgv }: ChildContext): void {
  const zeros = fs.openSync('/dev/zero', 'r');
  const table = { name: 'zeros', place: { range: { fd: 0, offset: 0, length: PAGE_BYTES } } };
  openTables(addon, { bytes: Buffer.alloc(0), fds: [zeros] }, [table]);
  addon.resetStartTime();
  becomeFresh({
    pid: addon.processId(),
    argv: process.argv,
    execArgv,
    env: environment,
    title: 'node',
  });
}

/**
 * Does what a child does before its job, and once more as its job, and tells which pages it has written to: those of all
 * children are written to as well, nearly all of them.
 */
export async function scout(context: ChildContext): Promise<never> {
  const { addon, fd, registry, rehearsal, scoutRehearsal } = context;
  freshRandom();
  for (const each of [rehearsal, scoutRehearsal, rehearsal]) {
    rehearseArrival(context);
    await rehearse(registry, each);
  }
  addon.reportWrittenPages(fd);
  return addon.exitNow(0);
}

/** Waits for the job, and does it. Returns when the code has been started; the event loop does the rest. */
export async function runJob(context: ChildContext): Promise<void> {
  const { addon, fd: jobFd, registry, rehearsal, environment, cwd, execArgv } = context;
  freshRandom();
  // The job of a child that is cloned on demand is here already, and doesn't wait for a rehearsal.
  if (!addon.hasMessage(jobFd)) rehearseArrival(context);
  if (!addon.hasMessage(jobFd)) await rehearse(registry, rehearsal);
  const message = addon.receiveMessage(jobFd, MAX_MESSAGE_BYTES);
  if (message === null) return addon.exitNow(0); // nobody wants us
  // SECURITY: over this socket descriptors could be sent to the host.
  fs.closeSync(jobFd);
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
    title: 'node',
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
  runSource({ addon, registry, task: job.task, tables, limits: job.limits, resultFd, outputFd, enter });
}
