/** Tables between machines: what one has made is put into the store, and fetched by those that need it. */
import type { TableFiles } from '../table-files.js';
import type { StoredTable, TableStore } from '../table-store.js';
import type { Telemetry } from '../telemetry.js';
import { DamagedObjects } from './damaged-objects.js';
import { isCorrupt, StoreError } from './errors.js';
import { Flights } from './flights.js';
import { tableKey } from './key.js';
import { lockOrWait } from './machine-lock.js';
import { readTable } from './read-object.js';
import type { ObjectStore, TableRef } from './types.js';

export interface ExchangePlaces {
  readonly memory: TableStore;
  /** Of this machine. */
  readonly files: TableFiles | undefined;
  /** Of all machines. */
  readonly store: ObjectStore | undefined;
}

export class TableExchange {
  readonly #places: ExchangePlaces;
  readonly #telemetry: Telemetry;
  /** Also those that are no tables. */
  readonly damaged: DamagedObjects;
  readonly #fetches = new Flights<StoredTable | undefined>(
    (stored) => stored?.hold(),
    (stored) => stored?.release(),
  );
  readonly #uploads = new Flights<void>();
  /** To the folder, one after the other. */
  #writing: Promise<void> = Promise.resolve();
  #downloadedBytes = 0;
  #uploadedBytes = 0;

  constructor(places: ExchangePlaces, telemetry: Telemetry) {
    this.#places = places;
    this.#telemetry = telemetry;
    this.damaged = new DamagedObjects(telemetry);
  }

  /** Between this process and the store, of tables. */
  get stats(): { downloadedBytes: number; uploadedBytes: number } {
    return { downloadedBytes: this.#downloadedBytes, uploadedBytes: this.#uploadedBytes };
  }

  /**
   * A hold on the table, from wherever it is nearest: memory, the folder of this machine, the store. However many ask for it at
   * once, it is fetched once.
   *
   * @throws {StoreError}; the reason of the signal
   */
  async tableOf(ref: TableRef, signal: AbortSignal): Promise<StoredTable> {
    const stored = await this.find(ref, signal);
    if (stored !== undefined) return stored;
    throw new StoreError('ERR_STORE_NOT_FOUND', this.#places.store?.name ?? 'the cache', tableKey(ref));
  }

  /**
   * The same, but undefined if it is nowhere.
   *
   * @throws {StoreError}; the reason of the signal
   */
  async find(ref: TableRef, signal: AbortSignal): Promise<StoredTable | undefined> {
    const { memory } = this.#places;
    return (
      memory.find(ref.hash) ??
      // A reference that lies about its size gets nothing of one that doesn't.
      (await this.#fetches.join(`${ref.hash} ${ref.byteLength}`, signal, (flight) =>
        this.#fetch(ref, flight),
      ))
    );
  }

  /**
   * Resolves when the table is in the store, for all that read. Does nothing without a store.
   *
   * @throws {StoreError}; the reason of the signal
   */
  async publish(stored: StoredTable, signal: AbortSignal): Promise<void> {
    const { store } = this.#places;
    if (store === undefined) return;
    await this.#uploads.join(stored.hash, signal, async (flight) => {
      stored.hold();
      try {
        const key = tableKey(stored);
        // What lies in a file is not read for nothing.
        if (!stored.isInMemory && !this.damaged.has(key)) {
          const size = await store.sizeOf(key, { signal: flight });
          if (size === stored.byteLength) return;
        }
        const body = await stored.bytes();
        if (await this.damaged.put(store, key, body, { sha256: stored.hash, signal: flight }))
          this.#uploadedBytes += stored.byteLength;
      } finally {
        stored.release();
      }
    });
  }

  /** Writes it to the folder, if there is one. Resolves when that is done, or has failed. */
  keep(stored: StoredTable): Promise<void> {
    const { files } = this.#places;
    if (files === undefined) return Promise.resolve();
    stored.hold();
    this.#writing = this.#writing.then(async () => {
      try {
        await files.write(stored);
      } catch (error) {
        this.#telemetry.log.warn(
          { event: 'cache.write', err: error },
          'a table could not be written to the cache',
        );
      } finally {
        stored.release();
      }
    });
    return this.#writing;
  }

  /** Resolves when all is written to the folder. */
  async flush(): Promise<void> {
    await this.#writing;
  }

  async #fetch(ref: TableRef, signal: AbortSignal): Promise<StoredTable | undefined> {
    const { files, store } = this.#places;
    if (files === undefined) return store && this.#download(store, ref, signal);
    for (;;) {
      const there = await this.#open(files, ref);
      if (there !== undefined || store === undefined) return there;
      const unlock = await lockOrWait(files.lockOf(ref), signal);
      if (unlock === undefined) continue;
      let written: Promise<void> | undefined;
      try {
        // Another may have just brought it.
        const found = await this.#open(files, ref);
        if (found !== undefined) return found;
        const stored = await this.#download(store, ref, signal);
        written = stored && this.keep(stored);
        return stored;
      } finally {
        // It is in the folder, then, for those that wait.
        void Promise.resolve(written).then(unlock);
      }
    }
  }

  async #open(files: TableFiles, ref: TableRef): Promise<StoredTable | undefined> {
    const file = await files.open(ref);
    return file && this.#places.memory.addFile(ref.hash, ref.byteLength, file);
  }

  async #download(store: ObjectStore, ref: TableRef, signal: AbortSignal): Promise<StoredTable | undefined> {
    const shared = await readTable(store, ref, signal).catch((error: unknown) => {
      if (isCorrupt(error)) this.damaged.add(error);
      throw error;
    });
    if (shared === undefined) return undefined;
    this.#downloadedBytes += ref.byteLength;
    return this.#places.memory.addShared(ref.hash, shared);
  }
}
