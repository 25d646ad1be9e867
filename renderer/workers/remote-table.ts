/** A table that a worker made: fetched when it is first looked at, and held until its report is disposed of or collected. */
import type { Table } from 'apache-arrow';
import { whenCollected } from '../../lib/collected.js';
import { TableGoneError } from '../errors.js';
import type { TableInfo } from '../step-table.js';
import type { TableExchange } from '../store/table-exchange.js';
import type { StoredTable } from '../table-store.js';
import type { StepTable } from '../types.js';

export class RemoteTable implements StepTable, Disposable {
  readonly hash: string;
  readonly byteLength: number;
  readonly numRows: number;
  readonly columns: StepTable['columns'];
  readonly #exchange: TableExchange;
  readonly #held: { table?: Promise<StoredTable> } = {};
  readonly #abort = new AbortController();
  readonly #forget: () => void;

  constructor({ hash, byteLength, numRows, columns }: TableInfo, exchange: TableExchange) {
    this.hash = hash;
    this.byteLength = byteLength;
    this.numRows = numRows;
    this.columns = columns;
    this.#exchange = exchange;
    const held = this.#held;
    this.#forget = whenCollected(this, () => {
      release(held.table);
    });
  }

  /** @throws {StoreError | TableGoneError} */
  async bytes(): Promise<Uint8Array> {
    const { signal } = this.#abort;
    signal.throwIfAborted();
    this.#held.table ??= this.#exchange.tableOf(this, signal).catch((error: unknown) => {
      delete this.#held.table;
      throw error;
    });
    return (await this.#held.table).bytes();
  }

  async read(): Promise<Table> {
    const { tableFromIPC } = await import('apache-arrow');
    return tableFromIPC(await this.bytes());
  }

  [Symbol.dispose](): void {
    if (this.#abort.signal.aborted) return;
    this.#abort.abort(new TableGoneError('the report of the table was disposed of'));
    this.#forget();
    release(this.#held.table);
  }
}

function release(table: Promise<StoredTable> | undefined): void {
  table?.then(
    (stored) => {
      stored.release();
    },
    () => undefined,
  );
}
