import { DataType, RecordBatchReader, Table, Vector, type Data, type DataType as Type } from 'apache-arrow';

/** apache-arrow gave something that can't be in a table, or that isn't in the bytes. */
export class ReadError extends Error {}

/**
 * Reads every value of every row with apache-arrow, in each of the ways in which it can be read, down to the bytes of
 * strings. Throws where apache-arrow throws, gives no value, or reaches for memory outside the input.
 *
 * @param maxSteps How many values may be looked at before this counts as a hang.
 * @returns How many it were.
 */
export function readAll(bytes: Uint8Array, maxSteps = Infinity): number {
  const walk = new Walk(bytes, maxSteps);
  const reader = RecordBatchReader.from(bytes);
  const table = new Table(reader.readAll());
  for (const batch of table.batches) for (const data of batch.data.children) walk.data(data);
  for (let i = 0; i < table.numCols; i++) {
    const column = table.getChildAt(i);
    if (column === null) throw new ReadError(`no column ${i}`);
    if (column.length !== table.numRows) throw new ReadError(`column ${i} has ${column.length} rows`);
    walk.vector(column);
    for (let row = 0; row < column.length; row++) if (column.isValid(row)) walk.value(column.get(row));
    const { nullCount } = column;
    if (!(nullCount >= 0)) throw new ReadError(`null count ${nullCount}`);
    column.toArray();
  }
  for (const row of table) walk.value(row);
  if (table.numRows > 2) {
    const slice = table.slice(1, table.numRows - 1);
    for (let i = 0; i < slice.numCols; i++) walk.vector(slice.getChildAt(i)!);
  }
  return walk.steps;
}

class Walk {
  readonly #bytes: Uint8Array;
  readonly #maxSteps: number;
  steps = 0;

  constructor(bytes: Uint8Array, maxSteps: number) {
    this.#bytes = bytes;
    this.#maxSteps = maxSteps;
  }

  #step(count = 1): void {
    this.steps += count;
    if (this.steps > this.#maxSteps) throw new ReadError('too many values');
  }

  vector(vector: Vector): void {
    let length = 0;
    for (const value of vector) {
      this.value(value);
      length++;
    }
    if (length !== vector.length) throw new ReadError(`${length} values in a vector of ${vector.length}`);
  }

  value(value: unknown): void {
    this.#step();
    if (value === undefined) throw new ReadError('undefined value');
    if (typeof value === 'string') this.#step(value.length / 16);
    else if (typeof value === 'object' && value !== null) this.#object(value);
  }

  #object(value: object): void {
    if (value instanceof Vector) {
      this.vector(value);
    } else if (ArrayBuffer.isView(value)) {
      this.#memory(value);
      this.#step(value.byteLength / 16);
      void (value as Uint8Array).toString();
    } else {
      // A row or a map.
      for (const [key, child] of value as Iterable<[unknown, unknown]>) {
        this.value(key);
        this.value(child);
      }
      (value as { toJSON(): unknown }).toJSON();
    }
  }

  /** Checks that the buffers of an array lie in the input and are as long as the array. */
  data(data: Data): void {
    this.#step();
    const type: Type = data.type;
    const { length, stride } = data;
    for (const part of [...(data.buffers as unknown as unknown[]), ...data.variadicBuffers]) {
      if (ArrayBuffer.isView(part)) this.#memory(part);
    }
    const array = data.values as ArrayLike<unknown> | undefined;
    if (array !== undefined && !isWithoutValues(type)) {
      const needed = DataType.isBool(type) ? Math.ceil(length / 8) : length * stride;
      if (array.length < needed) throw new ReadError(`${array.length} values for ${length} rows`);
    }
    if (data.nullCount > length && !DataType.isUnion(type)) throw new ReadError('more nulls than rows');
    // In a table without batches, lists have no child.
    for (const child of data.children as (Data | undefined)[]) if (child !== undefined) this.data(child);
    for (const chunk of data.dictionary?.data ?? []) this.data(chunk as Data);
  }

  #memory({ buffer, byteOffset, byteLength }: ArrayBufferView): void {
    const { byteOffset: start, byteLength: length } = this.#bytes;
    if (buffer !== this.#bytes.buffer || byteLength === 0) return;
    if (byteOffset < start || byteOffset + byteLength > start + length) throw new ReadError('memory outside');
  }
}

/** Types whose `values` are the data that offsets lead into. */
function isWithoutValues(type: Type): boolean {
  return (
    DataType.isUtf8(type) ||
    DataType.isLargeUtf8(type) ||
    DataType.isBinary(type) ||
    DataType.isLargeBinary(type)
  );
}
