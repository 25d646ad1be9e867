/** A store in a folder of this machine, or of a file system that several have mounted. */
import { constants } from 'node:fs';
import { mkdir, open, readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { Reader, text } from '../../lib/reader.js';
import { isAbandoned, writeAtomically } from '../atomic-file.js';
import { StoreError } from './errors.js';
import { storeKey } from './key.js';
import type { ObjectStore, PutOptions, StoreCallOptions, StoredObject } from './types.js';

export interface FolderStoreOptions {
  /** Made if it isn't there. Any number of processes may use it. */
  readonly dir: string;
}

const CHUNK_BYTES = 1024 * 1024;

/** What nobody can do anything about by waiting. */
const DENIED = new Set(['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EISDIR', 'ELOOP', 'ENAMETOOLONG']);

/**
 * Nothing is ever removed from it: how much is kept is for whoever has the folder.
 *
 * @throws {InvalidOptionError} `ERR_INVALID_OPTION`
 */
export function folderStore(options: FolderStoreOptions): ObjectStore {
  const reader = new Reader(options, 'options');
  const dir = path.resolve(reader.required('dir', text));
  reader.end();
  return new FolderStore(dir);
}

class FolderStore implements ObjectStore {
  readonly name: string;
  readonly #dir: string;
  /** Folders that are there. */
  readonly #made = new Set<string>();

  constructor(dir: string) {
    this.#dir = dir;
    this.name = pathToFileURL(dir).href;
  }

  async put(key: string, body: Uint8Array, { replace = false, signal }: PutOptions): Promise<boolean> {
    if (!replace && (await this.sizeOf(key, signal && { signal })) === body.byteLength) return false;
    const file = this.#fileOf(key);
    const folder = path.dirname(file);
    const written = await this.#guard(key, signal, async () => {
      await this.#makeFolder(folder);
      await writeAtomically(folder, path.basename(file), [body], { signal, durable: true });
      return true;
    });
    if (written) return true;
    this.#made.delete(folder);
    throw new StoreError('ERR_STORE_UNAVAILABLE', this.name, key, 'its folder was removed');
  }

  async get(key: string, { signal }: StoreCallOptions = {}): Promise<StoredObject | undefined> {
    const file = this.#fileOf(key);
    return this.#guard(key, signal, async () => {
      const handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW);
      try {
        const { size } = await handle.stat();
        return { byteLength: size, body: handle.createReadStream({ highWaterMark: CHUNK_BYTES, signal }) };
      } catch (error) {
        await handle.close();
        throw error;
      }
    });
  }

  async sizeOf(key: string, { signal }: StoreCallOptions = {}): Promise<number | undefined> {
    const file = this.#fileOf(key);
    return this.#guard(key, signal, async () => (await stat(file)).size);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #fileOf(key: string): string {
    return path.join(this.#dir, storeKey(key, 'key'));
  }

  async #makeFolder(folder: string): Promise<void> {
    if (this.#made.has(folder)) return;
    await mkdir(folder, { recursive: true, mode: 0o700 });
    this.#made.add(folder);
    for (const name of await readdir(folder)) {
      const file = path.join(folder, name);
      const stats = await stat(file).catch(() => undefined);
      if (stats !== undefined && isAbandoned(name, stats.mtimeMs)) await rm(file, { force: true });
    }
  }

  /** Undefined for what isn't there. */
  async #guard<T>(
    key: string,
    signal: AbortSignal | undefined,
    task: () => Promise<T>,
  ): Promise<T | undefined> {
    signal?.throwIfAborted();
    try {
      return await task();
    } catch (error) {
      signal?.throwIfAborted();
      const { code = '', message } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT') return undefined;
      const isDenied = DENIED.has(code);
      throw new StoreError(isDenied ? 'ERR_STORE_DENIED' : 'ERR_STORE_UNAVAILABLE', this.name, key, message, {
        cause: error,
      });
    }
  }
}
