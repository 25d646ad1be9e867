/** Results of calls by what they were made of: in memory, in a folder if there is one, and in a store that machines share. */
import { createHash } from 'node:crypto';
import { deserialize, serialize } from 'node:v8';
import type { PlainValue } from '../lib/index.js';
import type { CacheFolder } from './cache-folder.js';
import type { TableInfo } from './step-table.js';
import { isCorrupt } from './store/errors.js';
import { readBytes } from './store/read-object.js';
import type { TableExchange } from './store/table-exchange.js';
import type { ObjectStore } from './store/types.js';
import { discard } from './table-files.js';
import type { StoredTable } from './table-store.js';
import type { Telemetry } from './telemetry.js';
import type { Message } from './types.js';

/** What is kept of a call that went well. */
export interface Kept {
  readonly value: PlainValue;
  readonly warnings: readonly Message[];
  readonly table?: TableInfo;
}

/** With a hold on its table. */
export interface Hit {
  readonly kept: Kept;
  readonly stored: StoredTable | undefined;
}

/** Files of another form are under other names. */
const RESULT_SUFFIX = '.result1';

const DIGEST_BYTES = 32;

/** Of results without their tables, in memory. */
const MOST_MEMORY_BYTES = 32 * 1024 * 1024;

/** Files of another form are under other names. */
function resultKey(key: string): string {
  return `results/${key}${RESULT_SUFFIX}`;
}

export interface CachePlaces {
  readonly folder: CacheFolder | undefined;
  readonly store: ObjectStore | undefined;
}

export class ResultCache {
  readonly #tables: TableExchange;
  readonly #places: CachePlaces;
  readonly #telemetry: Telemetry;
  /** Encoded, so that nobody who was given one can change it; the longest unused first. */
  readonly #memory = new Map<string, Buffer>();
  #memoryBytes = 0;
  /** To the folder, one after the other. */
  #writing: Promise<void> = Promise.resolve();
  #hits = 0;
  #misses = 0;

  constructor(tables: TableExchange, places: CachePlaces, telemetry: Telemetry) {
    this.#tables = tables;
    this.#places = places;
    this.#telemetry = telemetry;
  }

  get stats(): { hits: number; misses: number; writtenBytes: number; bytes: number } {
    return {
      hits: this.#hits,
      misses: this.#misses,
      writtenBytes: this.#places.folder?.writtenBytes ?? 0,
      bytes: this.#places.folder?.bytes ?? 0,
    };
  }

  /**
   * @param maxTableBytes what is larger is not given
   * @throws {StoreError} if there may be one in a store that can't be asked; the reason of the signal
   */
  async get(key: string, maxTableBytes: number, signal: AbortSignal): Promise<Hit | undefined> {
    const hit = await this.#find(key, maxTableBytes, signal);
    if (hit === undefined) this.#misses++;
    else this.#hits++;
    return hit;
  }

  /**
   * Keeps it. Resolves when it and its table are in the store, if there is one: what is said of them from then on is so for all
   * machines. It is written to the folder when there is time for it.
   *
   * @throws {StoreError}; the reason of the signal
   */
  async put(key: string, kept: Kept, stored: StoredTable | undefined, signal: AbortSignal): Promise<void> {
    const encoded = serialize(kept);
    this.#remember(key, encoded);
    this.#write(key, encoded, stored);
    const { store } = this.#places;
    if (store === undefined) return;
    // The result after the table that it refers to.
    if (stored !== undefined) await this.#tables.publish(stored, signal);
    const body = seal(encoded);
    const sha256 = sha256Of(body).toString('hex');
    await this.#tables.damaged.put(store, resultKey(key), body, { sha256, signal });
  }

  /** Resolves when all is written to the folder. */
  async flush(): Promise<void> {
    await this.#tables.flush();
    await this.#writing;
  }

  async #find(key: string, maxTableBytes: number, signal: AbortSignal): Promise<Hit | undefined> {
    const kept =
      this.#recall(key) ?? (await this.#readFromFolder(key)) ?? (await this.#readFromStore(key, signal));
    if (kept === undefined) return undefined;
    const { table } = kept;
    if (table === undefined) return { kept, stored: undefined };
    if (table.byteLength > maxTableBytes) return undefined;
    try {
      const stored = await this.#tables.find(table, signal);
      if (stored !== undefined) return { kept, stored };
    } catch (error) {
      if (!isCorrupt(error)) throw error;
    }
    // It names a table that nobody has any more; the one that comes in its place may be another.
    this.#tables.damaged.replace(resultKey(key));
    return undefined;
  }

  #recall(key: string): Kept | undefined {
    const encoded = this.#memory.get(key);
    if (encoded === undefined) return undefined;
    this.#memory.delete(key);
    this.#memory.set(key, encoded);
    return deserialize(encoded) as Kept;
  }

  #remember(key: string, encoded: Buffer): void {
    this.#memoryBytes += encoded.byteLength - (this.#memory.get(key)?.byteLength ?? 0);
    this.#memory.delete(key);
    this.#memory.set(key, encoded);
    for (const [oldest, { byteLength }] of this.#memory) {
      if (this.#memoryBytes <= MOST_MEMORY_BYTES) break;
      this.#memory.delete(oldest);
      this.#memoryBytes -= byteLength;
    }
  }

  #write(key: string, encoded: Buffer, stored: StoredTable | undefined): void {
    const { folder } = this.#places;
    if (folder === undefined) return;
    const table = stored && this.#tables.keep(stored);
    this.#writing = this.#writing.then(async () => {
      await table;
      try {
        await folder.write(key + RESULT_SUFFIX, [seal(encoded)]);
      } catch (error) {
        this.#telemetry.log.warn(
          { event: 'cache.write', err: error },
          'a result could not be written to the cache',
        );
      }
    });
  }

  async #readFromFolder(key: string): Promise<Kept | undefined> {
    const { folder } = this.#places;
    const name = key + RESULT_SUFFIX;
    const file = await folder?.open(name);
    if (folder === undefined || file === undefined) return undefined;
    try {
      return this.#decode(key, unseal(await file.readFile()));
    } catch (error) {
      await discard(folder, name, error, this.#telemetry);
      return undefined;
    } finally {
      await file.close();
    }
  }

  async #readFromStore(key: string, signal: AbortSignal): Promise<Kept | undefined> {
    const { store } = this.#places;
    if (store === undefined) return undefined;
    try {
      const encoded = await readBytes(store, resultKey(key), unseal, signal);
      return encoded && this.#decode(key, encoded);
    } catch (error) {
      if (!isCorrupt(error)) throw error;
      this.#tables.damaged.add(error);
      return undefined;
    }
  }

  #decode(key: string, encoded: Buffer): Kept {
    const kept = deserialize(encoded) as Kept;
    this.#remember(key, encoded);
    return kept;
  }
}

/** With what shows that it is whole. */
function seal(encoded: Buffer): Buffer {
  return Buffer.concat([sha256Of(encoded), encoded]);
}

/** @throws if it isn't */
function unseal(bytes: Buffer): Buffer {
  const encoded = bytes.subarray(DIGEST_BYTES);
  if (!sha256Of(encoded).equals(bytes.subarray(0, DIGEST_BYTES)))
    throw new Error('it is not what was written');
  return encoded;
}

function sha256Of(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}
