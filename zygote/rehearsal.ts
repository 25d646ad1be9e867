/**
 * Runs the whole way of a job once, on a job of our own that does nothing. In the zygote, so that what is compiled when
 * it is first used is compiled once for all children; in a child before it parks, so that the pages which a job writes to
 * are its own already when the job comes. Nothing of it can be seen by the real job.
 */
import { decodeJob, encodeJob, encodeResult, type Job } from '../protocol/messages.js';
import { findArrow } from './arrow.js';
import { entryFunction } from './entry.js';
import type { ModuleRegistry } from './modules.js';
import { writeTables } from './output.js';
import { takeApart } from './returned.js';
import { compileUserModule } from './user-module.js';

/** More than the table of the rehearsal takes. */
const REHEARSAL_BYTES = 16_384;

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

/** Encoded in the zygote. */
const message = Buffer.concat(encodeJob(REHEARSAL));

export async function rehearse(registry: ModuleRegistry): Promise<void> {
  const { task } = decodeJob(Buffer.from(message), { ownsBytes: true });
  if (task.kind !== 'source') return;
  const module = compileUserModule({ code: task.code, filename: task.filename }, registry);
  const call = entryFunction(await module.load(), module.kind, task.filename);
  const { value } = takeApart(await call({ params: task.params, tables: {} }), findArrow(registry));
  encodeResult({ kind: 'returned', value, tables: [] });
}

/**
 * Writes, opens and reads a table of the commonest types, if apache-arrow is preloaded: most of its code is compiled only
 * when it is first used, which took each child 5 ms. In the zygote: in a child that parks it would save the job 1 ms of
 * page faults, and cost the child 2.
 */
export async function rehearseTables(registry: ModuleRegistry): Promise<void> {
  const arrow = findArrow(registry);
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
    const bytes = new Uint8Array(REHEARSAL_BYTES);
    const memory = {
      end: 0,
      begin: () => 0,
      flush: () => undefined,
      write(chunk: Uint8Array): void {
        bytes.set(chunk, this.end);
        this.end += chunk.byteLength;
      },
    };
    const [place] = await writeTables(memory, [['rehearsal', written]], arrow);
    const table = arrow.tableFromIPC(bytes.subarray(0, place?.length));
    for (const { name } of table.schema.fields) table.getChild(name)?.toArray();
    for (const row of table) String(row);
  } catch {
    // Another version, or something else under that name: who uses it will see.
  }
}
