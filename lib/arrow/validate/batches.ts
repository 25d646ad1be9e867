import { Body } from './body.js';
import { Columns, type Shape } from './columns.js';
import type { Dictionaries } from './dictionaries.js';
import { fail } from './errors.js';
import type { Budget } from './limits.js';
import {
  readBatchHeader,
  readDictionaryHeader,
  type BatchHeader,
  type Input,
  type Message,
} from './message.js';
import type { Field, Schema } from './schema.js';

/** Checks the batches of one table and counts what they add up to. */
export class Batches {
  readonly #input: Input;
  readonly #schema: Schema;
  readonly #dictionaries: Dictionaries;
  readonly #budget: Budget;
  /** What it costs apache-arrow that it looks up each column of a batch by its name, among all of them. */
  readonly #lookups: number;
  #chunksLeft: number;
  numRows = 0;
  numBatches = 0;
  numDictionaries = 0;

  constructor(input: Input, schema: Schema, dictionaries: Dictionaries, budget: Budget) {
    this.#input = input;
    this.#schema = schema;
    this.#dictionaries = dictionaries;
    this.#budget = budget;
    this.#chunksLeft = input.limits.maxChunks + Math.floor(input.bytes.length / 1024);
    const { fields } = schema;
    const letters = fields.reduce((sum, { name }) => sum + name.length, 0);
    this.#lookups = (fields.length * (fields.length + letters / 128)) / 4;
  }

  recordBatch(message: Message): void {
    const { maxBatches, maxRows } = this.#input.limits;
    const path = `batches[${this.numBatches}]`;
    const header = readBatchHeader(message.header);
    const { length, position } = header;
    if (++this.numBatches > maxBatches) fail('limit', 'More batches than maxBatches', position, path);
    this.numRows += length;
    if (this.numRows > maxRows) fail('limit', 'More rows than maxRows', position, path);

    const { fields, numColumns } = this.#schema;
    this.#takeChunks(1 + numColumns, position, path);
    this.#columns(message, header, path, (columns) => fields.map((field) => columns.column(field)));
    // Going through a column, apache-arrow looks through all batches for each batch.
    const cost = this.#lookups + (numColumns * this.numBatches) / 16;
    this.#budget.charge(fields.length === 0 ? length + cost : cost, position, path);
  }

  dictionaryBatch(message: Message): void {
    const path = `dictionaries[${this.numDictionaries}]`;
    const { id, isDelta, batch } = readDictionaryHeader(message.header);
    if (++this.numDictionaries > this.#input.limits.maxDictionaries) {
      fail('limit', 'More dictionary batches than maxDictionaries', batch.position, path);
    }
    const dictionary = this.#dictionaries.expect(id, isDelta, batch.position);
    const { field, length } = dictionary;
    this.#takeChunks(1 + countColumns([field]), batch.position, path);
    if (isDelta && length + batch.length > 2 ** 31 - 1) {
      fail('unsupported', "apache-arrow can't read so long a dictionary", batch.position, path);
    }
    const shapes = this.#columns(message, batch, path, (columns) => [columns.values(field)]);
    const { deep } = shapes[0]!;
    this.#dictionaries.loaded(dictionary, isDelta, batch.length, deep, this.#budget, batch.position);
  }

  #takeChunks(count: number, offset: number, path: string): void {
    this.#chunksLeft -= count;
    if (this.#chunksLeft >= 0) return;
    const message = 'More batches and columns in them than maxChunks allows for a table of this size';
    fail('limit', message, offset, path);
  }

  #columns(
    message: Message,
    header: BatchHeader,
    path: string,
    check: (columns: Columns) => Shape[],
  ): Shape[] {
    const body = new Body(this.#input, message, header);
    const { version } = message;
    const shapes = check(
      new Columns(this.#input, body, this.#dictionaries, this.#budget, { version, batch: path }),
    );
    body.finish(path);
    for (const shape of shapes) {
      if (shape.length !== header.length) {
        fail('batch', `Column of ${shape.length} in a batch of ${header.length} rows`, header.position, path);
      }
    }
    return shapes;
  }
}

/** Nested ones counted too. */
function countColumns(fields: readonly Field[]): number {
  return fields.reduce((sum, { children }) => sum + 1 + countColumns(children), 0);
}

/** Whether a union is anywhere in these columns. */
export function hasUnion(fields: readonly Field[]): boolean {
  return fields.some(({ type, children }) => type.layout.kind === 'union' || hasUnion(children));
}
