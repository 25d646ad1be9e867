/** Writes the tables of a result, batch by batch, as Arrow IPC streams. */
import { inspect } from 'node:util';
import type { RecordBatch, RecordBatchStreamWriter, Schema, Table } from 'apache-arrow';
import { UnsupportedValueError } from '../protocol/errors.js';
import { MAX_BATCH_BYTES, MAX_BATCHES } from '../protocol/limits.js';
import type { OutputTable } from '../protocol/messages.js';
import type { Arrow } from './arrow.js';
import type { Tabular } from './returned.js';
import { withSchema } from './same-columns.js';
import type { TableMemory } from './table-memory.js';

type Memory = Pick<TableMemory, 'begin' | 'end' | 'write' | 'flush'>;

/** What apache-arrow's writer hands on, it hands on at once. */
function queueInto(memory: Memory, arrow: Arrow): InstanceType<Arrow['AsyncByteQueue']> {
  class Queue extends arrow.AsyncByteQueue {
    override write(chunk: Uint8Array): void {
      memory.write(chunk);
    }
  }
  return new Queue();
}

/** One table: its schema is that of what comes first. */
class TableWriter {
  readonly #arrow: Arrow;
  readonly #memory: Memory;
  readonly #path: string;
  readonly #writer: RecordBatchStreamWriter;
  #schema: Schema | undefined;
  #items = 0;
  #batches = 0;

  constructor(arrow: Arrow, memory: Memory, path: string) {
    this.#arrow = arrow;
    this.#memory = memory;
    this.#path = path;
    this.#writer = new arrow.RecordBatchStreamWriter();
  }

  /** @throws {UnsupportedValueError} for what can't come here */
  write(item: unknown): void {
    const { Table, RecordBatch } = this.#arrow;
    const index = this.#items++;
    const batches = item instanceof RecordBatch ? [item] : item instanceof Table ? item.batches : undefined;
    if (batches === undefined) {
      const what = inspect(item, { depth: 0, maxStringLength: 50, customInspect: false });
      this.#refuse(
        index,
        `an iterator that stands for a table yields record batches or tables (tableFromJSON() makes one of rows), and not ${what}`,
      );
    }
    this.#begin((item as Table | RecordBatch).schema);
    for (const batch of batches) this.#writeBatch(batch, index);
    // Only now: code that fills the same arrays for each batch is free to do so afterwards.
    this.#memory.flush();
  }

  end(): void {
    this.#begin(new this.#arrow.Schema([]));
    this.#writer.finish();
    this.#memory.flush();
  }

  #begin(schema: Schema): void {
    if (this.#schema !== undefined) return;
    const { DataType } = this.#arrow;
    // Which its writer would write as something else: it tells types by their classes.
    if (!schema.fields.every(({ type }) => type instanceof DataType)) {
      const reason =
        'it was made by another copy of apache-arrow: a preloaded ES module that imports it has one of its own; ' +
        "let it use require('apache-arrow'), by createRequire() of node:module, or be CommonJS";
      throw new UnsupportedValueError(this.#path, reason);
    }
    this.#schema = schema;
    this.#writer.reset(queueInto(this.#memory, this.#arrow), schema);
  }

  #writeBatch(batch: RecordBatch, index: number): void {
    if (++this.#batches > MAX_BATCHES) this.#refuse(index, `more than ${MAX_BATCHES} record batches`);
    const fitting = withSchema(this.#arrow, batch, this.#schema ?? batch.schema);
    if (typeof fitting === 'string') this.#refuse(index, `it has another schema: ${fitting}`);
    const start = this.#memory.end;
    this.#writer.write(fitting);
    if (this.#memory.end - start > MAX_BATCH_BYTES)
      this.#refuse(
        index,
        `a record batch of more than ${MAX_BATCH_BYTES} bytes, which apache-arrow can't write`,
      );
  }

  #refuse(index: number, reason: string): never {
    throw new UnsupportedValueError(`${this.#path}[${index}]`, reason);
  }
}

/**
 * One table after the other, in their order. What a generator throws goes through.
 *
 * @throws {ValueTooLargeError} for more than the memory may take
 * @throws {UnsupportedValueError} for batches that are none, or make no table
 */
export async function writeTables(
  memory: Memory,
  tables: readonly (readonly [string, Tabular])[],
  arrow: Arrow,
): Promise<OutputTable[]> {
  const places: OutputTable[] = [];
  for (const [name, table] of tables) {
    const offset = memory.begin(name);
    const writer = new TableWriter(arrow, memory, `tables.${name}`);
    if (table instanceof arrow.Table || table instanceof arrow.RecordBatch) writer.write(table);
    else for await (const item of table) writer.write(item);
    writer.end();
    places.push({ name, offset, length: memory.end - offset });
  }
  return places;
}
