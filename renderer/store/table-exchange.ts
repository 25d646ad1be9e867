/** Tables between machines: what one has made is put into a store, and fetched by those that need it. */
import type { StoredTable } from '../table-store.js';
import type { TableRef } from './types.js';

export interface TableExchange {
  /**
   * A hold on the table, from wherever it is nearest: memory, the folder of this machine, the store. However many ask for it at
   * once, it is fetched once.
   *
   * @throws {StoreError}; the reason of the signal
   */
  tableOf(ref: TableRef, signal: AbortSignal): Promise<StoredTable>;

  /**
   * Resolves when the table is in the store, for all that read.
   *
   * @throws {StoreError}; the reason of the signal
   */
  publish(stored: StoredTable, signal: AbortSignal): Promise<void>;
}
