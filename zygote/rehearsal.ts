/**
 * Runs the whole way of a job once, on a job of our own that does nothing. In the zygote, so that what is compiled when
 * it is first used is compiled once for all children; in a child before it parks, so that the pages which a job writes to
 * are its own already when the job comes. Nothing of it can be seen by the real job.
 */
import type { Table } from 'apache-arrow';
import { decodeJob, encodeJob, encodeResult, type Job } from '../protocol/messages.js';
import { entryFunction } from './entry.js';
import type { ModuleRegistry } from './modules.js';
import { takeApart } from './returned.js';
import { compileUserModule } from './user-module.js';

const REHEARSAL: Job<unknown> = {
  task: {
    kind: 'source',
    code: 'module.exports = ({ params }) => ({ value: params, tables: {} });',
    filename: 'rehearsal.js',
    sourceKind: 'detect',
    typescript: false,
    params: { text: 'text', numbers: [1, 2.5], nothing: null },
  },
  tables: [],
  fds: { stdin: 0, stdout: 1, stderr: 2, result: 3, output: 4 },
  limits: { maxResultBytes: 65_536, maxResultDepth: 10, maxResultElements: 1_000, maxTableBytes: 0 },
  argv: [],
};

interface Arrow {
  tableFromArrays(columns: Record<string, unknown>): Table;
  tableFromIPC(bytes: Uint8Array): Table;
  tableToIPC(table: Table, format: 'file'): Uint8Array;
}

const isNoTable = (value: unknown): value is never => value === REHEARSAL;

/** Encoded in the zygote. */
const message = Buffer.concat(encodeJob(REHEARSAL));

export async function rehearse(registry: ModuleRegistry): Promise<void> {
  const { task } = decodeJob(Buffer.from(message), { ownsBytes: true });
  if (task.kind !== 'source') return;
  const module = compileUserModule({ code: task.code, filename: task.filename }, registry);
  const call = entryFunction(await module.load(), module.kind, task.filename);
  const { value } = takeApart(await call({ params: task.params, tables: {} }), isNoTable);
  encodeResult({ kind: 'returned', value, tables: [] });
}

/**
 * Writes, opens and reads a table of the commonest types, if apache-arrow is preloaded: most of its code is compiled only
 * when it is first used, which took each child 5 ms. In the zygote: in a child that parks it would save the job 1 ms of
 * page faults, and cost the child 2.
 */
export function rehearseTables(registry: ModuleRegistry): void {
  const arrow = registry.find('apache-arrow')?.exports as Arrow | undefined;
  if (arrow === undefined) return;
  try {
    const written = arrow.tableFromArrays({
      int: Int32Array.of(1, 2),
      bigint: BigInt64Array.of(1n, 2n),
      float: Float64Array.of(0.5, 1),
      text: ['a', null],
      truth: [true, false],
      date: [new Date(0), new Date(1)],
    });
    const table = arrow.tableFromIPC(arrow.tableToIPC(written, 'file'));
    for (const { name } of table.schema.fields) table.getChild(name)?.toArray();
    for (const row of table) String(row);
  } catch {
    // Another version, or something else under that name: who uses it will see.
  }
}
