/**
 * Runs the whole way of a job, on a job of our own that does nothing. In the zygote, so that what is compiled when it is
 * first used is compiled once for all children; in a child before it parks, so that the pages which a job writes to are
 * its own already when the job comes. Nothing of it can be seen by the real job.
 */
import fs from 'node:fs';
import { encodeJob, type Job } from '../protocol/messages.js';
import type { ReceivedMessage } from './addon.js';
import { findArrow } from './arrow.js';
import { doJob, type Workplace } from './do-job.js';
import type { ModuleRegistry } from './modules.js';
import { REHEARSAL_TABLE } from './rehearsal-table.js';

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

/**
 * An ES text is compiled as CommonJS first, and so goes both ways. Whoever imports all of node:fs makes node load more of it,
 * which takes a child 2 ms.
 */
const asModule = (entry: string): string => `import 'node:fs'; export default ${entry}`;
const asCommonJs = (entry: string): string => `require('node:fs'); module.exports = ${entry}`;

function jobOf(code: string, tables: readonly Uint8Array[]): Rehearsal {
  const job: Job<unknown> = {
    task: {
      kind: 'source',
      code,
      filename: 'rehearsal.js',
      sourceKind: 'detect',
      typescript: false,
      params: { text: 'text', numbers: [1, 2.5], nothing: null },
    },
    tables: tables.map((bytes, index) => ({ name: `table${index}`, place: { bytes } })),
    fds: { result: 0, output: 1 },
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

export interface Rehearsal {
  /** Encoded in the zygote. */
  readonly message: Buffer;
}

/**
 * All that the job writes goes to /dev/null, and ends nothing.
 *
 * @param start what does it, and says if it fails before the job has begun
 */
export async function rehearse(
  workplace: Workplace,
  { message }: Rehearsal,
  start: (workplace: Workplace, message: ReceivedMessage, fail: (reason: unknown) => void) => void = doJob,
): Promise<void> {
  const open = (): number => fs.openSync('/dev/null', 'w');
  const [result, output] = [open(), open()];
  await new Promise<void>((resolve, reject) => {
    const exitNow = (): never => {
      resolve();
      return undefined as never;
    };
    const process = { reallyExit: exitNow };
    const exit = (): void => {
      process.reallyExit();
    };
    const mapping = (_fd: number, length: number): ArrayBuffer => new ArrayBuffer(length);
    const addon = {
      processId: workplace.addon.processId,
      resetStartTime: () => {
        workplace.addon.resetStartTime();
        return true;
      },
      duplicateTo: () => undefined,
      mapPrivate: mapping,
      mapUncounted: mapping,
      reportOutOfMemory: () => true,
      exitNow,
    };
    start(
      { ...workplace, addon, cwd: '.', run: { process, exit } },
      { bytes: Buffer.from(message), fds: [result, output] },
      reject,
    );
  });
  fs.closeSync(output);
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
    return [arrow.tableToIPC(table, 'file'), arrow.tableToIPC(table, 'stream')];
  });
  return [asModule, asCommonJs].map((text) => jobOf(text(USE_TABLES), tables));
}

/** What each child rehearses before it parks: as little as makes the pages its own that nearly every job writes to. */
export const rehearsalOfChild = (registry: ModuleRegistry): Rehearsal => smallRehearsal(registry, asModule);

/** What the zygote rehearses last: to link a module that was never linked before takes code that nothing else takes. */
export const lastRehearsal = (registry: ModuleRegistry): Rehearsal =>
  smallRehearsal(registry, (entry) => `import 'node:os'; ${asModule(entry)}`);

/** What a scout does in the place of a job, besides: a text is either kind of module. */
export const rehearsalOfScout = (registry: ModuleRegistry): Rehearsal => smallRehearsal(registry, asCommonJs);

function smallRehearsal(registry: ModuleRegistry, as: (entry: string) => string): Rehearsal {
  const tables = findArrow(registry) === undefined ? [] : [REHEARSAL_TABLE];
  return jobOf(as(READ_COLUMNS), tables);
}

function tablesOf(make: () => Uint8Array[]): Uint8Array[] {
  try {
    return make();
  } catch {
    // Another version of apache-arrow, or something else under that name: who uses it will see.
    return [];
  }
}
