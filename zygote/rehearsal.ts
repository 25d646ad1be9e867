/**
 * Runs the whole way of a job, on a job of our own that does nothing. In the zygote, so that what is compiled when it is
 * first used is compiled once for all children; in a child before it parks, so that the pages which a job writes to are
 * its own already when the job comes. Nothing of it can be seen by the real job.
 */
import fs from 'node:fs';
import { encodeJob, type Job } from '../protocol/messages.js';
import { findArrow } from './arrow.js';
import { openTables, readJob } from './job.js';
import type { ModuleRegistry } from './modules.js';
import { REHEARSAL_TABLE } from './rehearsal-table.js';
import { runSource } from './run-source.js';

const READ_COLUMNS = `({ params, tables }) => {
  for (const table of Object.values(tables)) {
    for (const { name } of table.schema.fields) table.getChild(name).toArray();
  }
  return { value: params, tables: {} };
};`;

/** Does what steps do with tables most often: takes columns, values and rows, and gives tables back. */
const USE_TABLES = `({ params, tables }) => {
  for (const table of Object.values(tables)) {
    for (const { name } of table.schema.fields) {
      const column = table.getChild(name);
      column.toArray();
      column.get(table.numRows - 1);
      for (const value of column) String(value);
    }
    for (const row of table) row.toJSON();
  }
  return { value: params, tables };
};`;

/** An ES text is compiled as CommonJS first, and so goes both ways. */
const asModule = (entry: string): string => `export default ${entry}`;
const asCommonJs = (entry: string): string => `module.exports = ${entry}`;

function jobOf(code: string, tables: Tables): Rehearsal {
  const job: Job<unknown> = {
    task: {
      kind: 'source',
      code,
      filename: 'rehearsal.js',
      sourceKind: 'detect',
      typescript: false,
      params: { text: 'text', numbers: [1, 2.5], nothing: null },
    },
    tables: [...tables].map(([name, bytes]) => ({ name, place: { bytes } })),
    fds: { stdin: 0, stdout: 1, stderr: 2, result: 3, output: 4 },
    limits: {
      maxResultBytes: 65_536,
      maxResultDepth: 10,
      maxResultElements: 1_000,
      maxTableBytes: 1_048_576,
    },
    argv: [],
  };
  return { message: Buffer.concat(encodeJob(job)) };
}

/** Arrow IPC bytes by name. */
type Tables = ReadonlyMap<string, Uint8Array>;

export interface Rehearsal {
  /** Encoded in the zygote. */
  readonly message: Buffer;
}

/** The job reads nothing from outside. */
const nothing = (): never => {
  throw new RangeError('the rehearsal has nothing to map');
};
const addon = { mapPrivate: nothing, mapUncounted: nothing };

export async function rehearse(registry: ModuleRegistry, { message }: Rehearsal): Promise<void> {
  const received = { bytes: Buffer.from(message), fds: [] };
  const { task, limits, tables } = readJob(addon, received);
  if (task.kind !== 'source') return;
  const outputFd = fs.openSync('/dev/null', 'w');
  await new Promise<void>((resolve) => {
    const exitNow = (): never => {
      resolve();
      return undefined as never;
    };
    const standIn = { on: () => undefined, listenerCount: () => 0, reallyExit: exitNow };
    runSource({
      addon: { reportOutOfMemory: () => true, exitNow },
      registry,
      task,
      tables: openTables(addon, received, tables),
      limits,
      resultFd: fs.openSync('/dev/null', 'w'),
      outputFd,
      enter: () => undefined,
      process: standIn,
      exit: () => {
        standIn.reallyExit();
      },
    });
  });
  fs.closeSync(outputFd);
}

/**
 * What the zygote rehearses: most of apache-arrow is compiled only when it is first used, which took each child 5 ms. A
 * file and a stream are read in different ways. Without apache-arrow there are no tables.
 */
export function rehearsalsOfAll(registry: ModuleRegistry): Rehearsal[] {
  const arrow = findArrow(registry);
  const tables = tablesOf(() => {
    const table = arrow?.tableFromArrays({
      int: Int32Array.of(1, 2),
      bigint: BigInt64Array.of(1n, 2n),
      float: Float64Array.of(0.5, 1),
      text: ['a', null],
      truth: [true, false],
      date: [new Date(0), new Date(1)],
    });
    if (arrow === undefined || table === undefined) return [];
    return [
      ['file', arrow.tableToIPC(table, 'file')],
      ['stream', arrow.tableToIPC(table, 'stream')],
    ];
  });
  return [asModule, asCommonJs].map((text) => jobOf(text(USE_TABLES), tables));
}

/** What each child rehearses before it parks: as little as makes the pages its own that nearly every job writes to. */
export const rehearsalOfChild = (registry: ModuleRegistry): Rehearsal => smallRehearsal(registry, asModule);

/** What a scout does in the place of a job, besides: a text is either kind of module. */
export const rehearsalOfScout = (registry: ModuleRegistry): Rehearsal => smallRehearsal(registry, asCommonJs);

function smallRehearsal(registry: ModuleRegistry, as: (entry: string) => string): Rehearsal {
  const tables: Tables = findArrow(registry) === undefined ? new Map() : new Map([['file', REHEARSAL_TABLE]]);
  return jobOf(as(READ_COLUMNS), tables);
}

function tablesOf(make: () => [string, Uint8Array][]): Tables {
  try {
    return new Map(make());
  } catch {
    // Another version of apache-arrow, or something else under that name: who uses it will see.
    return new Map();
  }
}
