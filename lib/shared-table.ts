/** One table for many children: written once, mapped by each. */
import { fstatSync } from 'node:fs';
import { copyTables } from './copy-tables.js';
import { InvalidOptionError } from './errors.js';
import type { SharedRange } from './shared-memory.js';
import { isTable } from './table-bytes.js';
import { memoryOf } from './table-memory.js';
import type { TableInput } from './types.js';

const ranges = new WeakMap<SharedTable, SharedRange>();

/**
 * A table in memory that any number of children map, read-only and without a copy, as long as it is not closed.
 * Give it where a table is expected: `zygote.run(code, { tables: { sales: shared } })`. Closing it, or `using`, gives the
 * memory back when the last child that has it is gone.
 */
export class SharedTable implements Disposable {
  /** Bytes of the Arrow IPC file or stream. */
  readonly byteLength: number;

  private constructor(range: SharedRange) {
    this.byteLength = range.length;
    ranges.set(this, range);
  }

  /**
   * @param option what errors call the table
   * @throws {InvalidOptionError} `ERR_INVALID_OPTION`
   */
  static async from(table: TableInput, option = 'table'): Promise<SharedTable> {
    const range = holdRange(table, option) ?? (await copyTables([[table, option]]))[0];
    if (range === undefined) throw new InvalidOptionError(option, 'a table', table);
    return new SharedTable(range);
  }

  /** Once closed it can't be given any more; children that have it keep it. Closing it again does nothing. */
  close(): void {
    const range = ranges.get(this);
    ranges.delete(this);
    range?.memory.release();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** What the memory that a table lies in takes of the machine's, all of it (`st_blocks` of stat(2)). */
export function memoryBytesOf(shared: SharedTable): number {
  const range = ranges.get(shared);
  return range === undefined ? 0 : fstatSync(range.memory.fd).blocks * 512;
}

/**
 * Where a table lies already, so that it need not be written anew; with a hold on the memory, which the caller releases.
 *
 * @throws {InvalidOptionError} for a SharedTable that was closed
 */
export function holdRange(input: TableInput, option: string): SharedRange | undefined {
  // Most are, and it takes several looks at other bytes to tell that they are none of these.
  if (input instanceof Uint8Array) return undefined;
  let range;
  if (input instanceof SharedTable) {
    range = ranges.get(input);
    if (range === undefined) {
      throw new InvalidOptionError(option, 'a SharedTable that was not closed', input);
    }
  } else if (isTable(input)) {
    range = memoryOf(input);
  }
  range?.memory.hold();
  return range;
}
