/** What does the size of a table that lies in shared memory have to do with the time to the first line? */
import { Readable } from 'node:stream';
import { tableFromArrays, tableToIPC, RecordBatchStreamWriter } from 'apache-arrow';
import { SharedTable, type Zygote } from '../lib/index.js';
import { whenParked, type Contestant } from './contestants.js';
import type { Plan } from './plan.js';
import { rotate, type Turn } from './rotate.js';
import { now } from './work.js';
import { startZygote } from './zygotes.js';

export interface TableTimes {
  readonly firstLineMs: number;
  /** From the call until the code has read the table's last value. */
  readonly lastValueMs: number;
  /** Until the result is there and the process gone. */
  readonly roundTripMs: number;
}

export interface TableSize {
  readonly bytes: number;
  readonly times: readonly TableTimes[];
}

const BATCH_BYTES = 8 * 2 ** 20;
const LAST_VALUE = 42;

/** An Arrow stream of one column of doubles, in batches of 8 MB, without ever having all of it in the heap. */
export function tableOf(bytes: number): Uint8Array | Readable {
  const rows = Math.max(1, Math.floor(Math.min(bytes, BATCH_BYTES) / 8));
  const table = tableFromArrays({ value: new Float64Array(rows).fill(LAST_VALUE) });
  if (bytes <= BATCH_BYTES) return tableToIPC(table);
  const [batch] = table.batches;
  function* batches() {
    for (let written = 0; written < bytes; written += BATCH_BYTES) if (batch !== undefined) yield batch;
  }
  return Readable.from(RecordBatchStreamWriter.writeAll(batches()));
}

const CODE = `const reached = process.hrtime.bigint();
  module.exports = ({ tables }) => {
    const column = tables.input.getChild('value');
    const last = column.get(column.length - 1);
    return [reached, process.hrtime.bigint(), last];
  };`;

export function callWithTable(zygote: Zygote, table: SharedTable): Contestant<TableTimes> {
  return {
    prepare: whenParked(zygote, true),
    async measure() {
      const start = now();
      const { value } = await zygote.run(CODE, { tables: { input: table } });
      const end = now();
      const [reached, read, last] = value as [number | bigint, number | bigint, number];
      if (last !== LAST_VALUE) throw new Error(`the last value should be ${LAST_VALUE}, but is ${last}`);
      const since = (time: number | bigint): number => Number(BigInt(time) - start) / 1e6;
      return { firstLineMs: since(reached), lastValueMs: since(read), roundTripMs: since(end) };
    },
  };
}

export async function tables({ variantSpawns, warmUp, tableBytes, preload }: Plan): Promise<TableSize[]> {
  const zygote = await startZygote(preload);
  const shared: SharedTable[] = [];
  const turns: Record<string, Turn<TableTimes>> = {};
  for (const bytes of tableBytes) {
    const table = await SharedTable.from(tableOf(bytes));
    if (table.byteLength < bytes) throw new Error(`a table of ${table.byteLength} bytes, not of ${bytes}`);
    shared.push(table);
    // Names that aren't numbers, which an object would put into an order of its own.
    turns[`${bytes} bytes`] = { contestant: callWithTable(zygote, table), times: variantSpawns };
  }
  const series = await rotate(turns, Math.min(warmUp, 5));
  await zygote.close();
  for (const table of shared) table[Symbol.dispose]();
  return tableBytes.map((bytes) => ({ bytes, times: series[`${bytes} bytes`] ?? [] }));
}
