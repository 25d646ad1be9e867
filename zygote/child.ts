/** The child, from the clone to the user's code. */
import fs from 'node:fs';
import { INLINE_BYTES, placeOfJob } from '../protocol/job-header.js';
import { decodeJob, type InputTable, type Job } from '../protocol/messages.js';
import type { ReceivedMessage, ZygoteAddon } from './addon.js';
import { becomeFresh } from './fresh.js';
import type { ModuleRegistry } from './modules.js';
import { freshRandom } from './random.js';
import { rehearse } from './rehearsal.js';
import { runEntry } from './run-entry.js';
import { runSource } from './run-source.js';

export interface ChildContext {
  readonly addon: ZygoteAddon;
  readonly jobFd: number;
  readonly registry: ModuleRegistry;
  readonly environment: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly execArgv: readonly string[];
}

/** What the standard streams are called in a job, in the order of their numbers. */
const STREAMS = ['stdin', 'stdout', 'stderr'] as const;

const MAX_MESSAGE_BYTES = INLINE_BYTES + 64;

/** A descriptor that came with the job. The host says which is which, and closes its own copies. */
function fdAt(message: ReceivedMessage, index: number | undefined): number {
  const fd = index === undefined ? undefined : message.fds[index];
  if (fd === undefined) throw new RangeError('the job names a descriptor that did not come with it');
  return fd;
}

function readJob(addon: ZygoteAddon, message: ReceivedMessage): Job {
  const place = placeOfJob(message.bytes);
  if ('bytes' in place) return decodeJob(place.bytes, { ownsBytes: true });
  const fd = fdAt(message, place.fd);
  const bytes = new Uint8Array(addon.mapPrivate(fd, place.length));
  fs.closeSync(fd);
  return decodeJob(bytes);
}

/** Maps each memfd once and closes it: what is left is memory. */
function mapTables(
  addon: ZygoteAddon,
  message: ReceivedMessage,
  tables: readonly InputTable[],
): Map<string, Uint8Array> {
  const ends = new Map<number, number>();
  for (const { fd, offset, length } of tables) ends.set(fd, Math.max(ends.get(fd) ?? 0, offset + length));
  const memories = new Map<number, ArrayBuffer>();
  for (const [index, end] of ends) {
    const fd = fdAt(message, index);
    memories.set(index, addon.mapPrivate(fd, end));
    fs.closeSync(fd);
  }
  const bytes = new Map<string, Uint8Array>();
  for (const { name, fd, offset, length } of tables) {
    const memory = memories.get(fd);
    if (memory !== undefined) bytes.set(name, new Uint8Array(memory, offset, length));
  }
  return bytes;
}

/** Waits for the job, and does it. Returns when the code has been started; the event loop does the rest. */
export async function runJob({
  addon,
  jobFd,
  registry,
  environment,
  cwd,
  execArgv,
}: ChildContext): Promise<void> {
  freshRandom();
  await rehearse(registry);
  const message = addon.receiveMessage(jobFd, MAX_MESSAGE_BYTES);
  if (message === null) return addon.exitNow(0); // nobody wants us
  // SECURITY: over this socket descriptors could be sent to the host.
  fs.closeSync(jobFd);
  const job = readJob(addon, message);
  for (const [number, name] of STREAMS.entries()) {
    const index = job.fds[name];
    if (index !== undefined) addon.duplicateTo(fdAt(message, index), number);
  }
  const tables = mapTables(addon, message, job.tables);

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
