/** Results of calls by what they were made of: in memory, and in a folder if there is one. */
import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { deserialize, serialize } from 'node:v8';
import type { PlainValue } from '../lib/index.js';
import type { CacheFolder } from './cache-folder.js';
import type { TableInfo } from './step-table.js';
import type { StoredTable, TableStore } from './table-store.js';
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
const TABLE_SUFFIX = '.arrow';

const DIGEST_BYTES = 32;

/** Of results without their tables, in memory. */
const MOST_MEMORY_BYTES = 32 * 1024 * 1024;

/** How many files are known to be what their names say. */
const MOST_VERIFIED = 10_000;

export class ResultCache {
  readonly #store: TableStore;
  readonly #folder: CacheFolder | undefined;
  readonly #telemetry: Telemetry;
  /** Encoded, so that nobody who was given one can change it; the longest unused first. */
  readonly #memory = new Map<string, Buffer>();
  #memoryBytes = 0;
  /** Files that were read as a whole and were what they should be: the hash of a table, and which file it was. */
  readonly #verified = new Map<string, string>();
  /** One after the other. */
  #writing: Promise<void> = Promise.resolve();
  #hits = 0;
  #misses = 0;

  constructor(store: TableStore, folder: CacheFolder | undefined, telemetry: Telemetry) {
    this.#store = store;
    this.#folder = folder;
    this.#telemetry = telemetry;
  }

  get stats(): { hits: number; misses: number; writtenBytes: number; bytes: number } {
    return {
      hits: this.#hits,
      misses: this.#misses,
      writtenBytes: this.#folder?.writtenBytes ?? 0,
      bytes: this.#folder?.bytes ?? 0,
    };
  }

  /** @param maxTableBytes what is larger is not given */
  async get(key: string, maxTableBytes: number): Promise<Hit | undefined> {
    const hit = await this.#find(key, maxTableBytes);
    if (hit === undefined) this.#misses++;
    else this.#hits++;
    return hit;
  }

  /** Keeps it. Returns at once: it is written to the folder when there is time for it. */
  put(key: string, kept: Kept, stored: StoredTable | undefined): void {
    const encoded = serialize(kept);
    this.#remember(key, encoded);
    const folder = this.#folder;
    if (folder === undefined) return;
    stored?.hold();
    this.#writing = this.#writing.then(async () => {
      try {
        if (stored !== undefined) await this.#writeTable(folder, stored);
        await folder.write(key + RESULT_SUFFIX, [createHash('sha256').update(encoded).digest(), encoded]);
      } catch (error) {
        this.#telemetry.log.warn(
          { event: 'cache.write', err: error },
          'a result could not be written to the cache',
        );
      } finally {
        stored?.release();
      }
    });
  }

  /** Resolves when all is written. */
  async flush(): Promise<void> {
    await this.#writing;
  }

  async #find(key: string, maxTableBytes: number): Promise<Hit | undefined> {
    const kept = this.#recall(key) ?? (await this.#read(key));
    if (kept === undefined) return undefined;
    const { table } = kept;
    if (table === undefined) return { kept, stored: undefined };
    if (table.byteLength > maxTableBytes) return undefined;
    const stored = this.#store.find(table.hash) ?? (await this.#openTable(table));
    return stored && { kept, stored };
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

  async #read(key: string): Promise<Kept | undefined> {
    const name = key + RESULT_SUFFIX;
    const file = await this.#folder?.open(name);
    if (file === undefined) return undefined;
    try {
      const bytes = await file.readFile();
      const encoded = bytes.subarray(DIGEST_BYTES);
      const digest = createHash('sha256').update(encoded).digest();
      if (!digest.equals(bytes.subarray(0, DIGEST_BYTES))) throw new Error('it is not what was written');
      const kept = deserialize(encoded) as Kept;
      this.#remember(key, encoded);
      return kept;
    } catch (error) {
      await this.#discard(name, error);
      return undefined;
    } finally {
      await file.close();
    }
  }

  async #openTable({ hash, byteLength }: TableInfo): Promise<StoredTable | undefined> {
    const name = hash + TABLE_SUFFIX;
    const file = await this.#folder?.open(name);
    if (file === undefined) return undefined;
    try {
      const { size, ino } = await file.stat();
      if (size !== byteLength) throw new Error(`it has ${size} bytes, and not ${byteLength}`);
      const identity = `${ino} ${size}`;
      if (this.#verified.get(hash) !== identity) {
        if ((await hashOfFile(file)) !== hash) throw new Error('it is not what was written');
        this.#verified.set(hash, identity);
        const [oldest] = this.#verified.keys();
        if (this.#verified.size > MOST_VERIFIED && oldest !== undefined) this.#verified.delete(oldest);
      }
    } catch (error) {
      await file.close();
      await this.#discard(name, error);
      return undefined;
    }
    return this.#store.addFile(hash, byteLength, file);
  }

  async #writeTable(folder: CacheFolder, stored: StoredTable): Promise<void> {
    const name = stored.hash + TABLE_SUFFIX;
    if (!stored.isInMemory || (await folder.has(name))) return;
    await folder.write(name, [await stored.bytes()]);
  }

  async #discard(name: string, error: unknown): Promise<void> {
    this.#telemetry.log.warn(
      { event: 'cache.damaged', file: name, err: error },
      'a file of the cache is damaged',
    );
    await this.#folder?.remove(name);
  }
}

async function hashOfFile(file: FileHandle): Promise<string> {
  const hash = createHash('sha256');
  const chunk = Buffer.allocUnsafe(1024 * 1024);
  for (let position = 0; ;) {
    const { bytesRead } = await file.read(chunk, 0, chunk.byteLength, position);
    if (bytesRead === 0) return hash.digest('hex');
    hash.update(chunk.subarray(0, bytesRead));
    position += bytesRead;
  }
}
