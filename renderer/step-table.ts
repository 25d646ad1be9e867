/** The table of a step, as the caller sees it. */
import type { Table } from 'apache-arrow';
import { whenCollected } from '../lib/collected.js';
import { TableGoneError } from './errors.js';
import type { StoredTable } from './table-store.js';
import type { StepTable } from './types.js';

/** What is known of a table without looking at it. */
export type TableInfo = Pick<StepTable, 'hash' | 'byteLength' | 'numRows' | 'columns'>;

export function describeTable(table: Table, { hash, byteLength }: StoredTable): TableInfo {
  const columns = table.schema.fields.map(({ name, type }) => ({ name, type: String(type) }));
  return { hash, byteLength, numRows: table.numRows, columns };
}

/** Holds the table until it is disposed of or collected. */
export class HeldTable implements StepTable, Disposable {
  readonly hash: string;
  readonly byteLength: number;
  readonly numRows: number;
  readonly columns: StepTable['columns'];
  readonly #stored: StoredTable;
  readonly #forget: () => void;
  #disposed = false;

  /** Takes over one hold. */
  constructor({ hash, byteLength, numRows, columns }: TableInfo, stored: StoredTable) {
    this.hash = hash;
    this.byteLength = byteLength;
    this.numRows = numRows;
    this.columns = columns;
    this.#stored = stored;
    this.#forget = whenCollected(this, () => {
      stored.release();
    });
  }

  /** As long as this is held. */
  get stored(): StoredTable {
    if (this.#disposed) throw new TableGoneError('the report of the table was disposed of');
    return this.#stored;
  }

  async bytes(): Promise<Uint8Array> {
    return this.stored.bytes();
  }

  async read(): Promise<Table> {
    const { tableFromIPC } = await import('apache-arrow');
    return tableFromIPC(await this.bytes());
  }

  [Symbol.dispose](): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#forget();
    this.#stored.release();
  }
}
