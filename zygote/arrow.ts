/** What we use of apache-arrow, which is whichever version the host preloads. */
import type {
  AsyncByteQueue,
  Data,
  DataType,
  RecordBatch,
  RecordBatchStreamWriter,
  Schema,
  Table,
  util,
  Vector,
} from 'apache-arrow';
import type { ModuleRegistry } from './modules.js';

export interface Arrow {
  readonly AsyncByteQueue: typeof AsyncByteQueue;
  readonly Data: typeof Data;
  readonly DataType: typeof DataType;
  readonly RecordBatch: typeof RecordBatch;
  readonly RecordBatchStreamWriter: typeof RecordBatchStreamWriter;
  readonly Schema: typeof Schema;
  readonly Table: typeof Table;
  readonly Vector: typeof Vector;
  readonly util: Pick<typeof util, 'compareSchemas' | 'compareTypes'>;
  tableFromArrays(columns: Record<string, unknown>): Table;
  tableFromIPC(bytes: Uint8Array): Table;
  tableToIPC(table: Table, type: 'file' | 'stream'): Uint8Array;
}

export function findArrow(registry: ModuleRegistry): Arrow | undefined {
  return registry.find('apache-arrow')?.exports as Arrow | undefined;
}
