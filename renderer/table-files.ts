/** Tables in a folder of this machine, by their hashes. */
import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import type { CacheFolder } from './cache-folder.js';
import type { TableRef } from './store/types.js';
import type { StoredTable } from './table-store.js';
import type { Telemetry } from './telemetry.js';

const SUFFIX = '.arrow';

/** How many files are known to be what their names say. */
const MOST_VERIFIED = 10_000;

export class TableFiles {
  readonly #folder: CacheFolder;
  readonly #telemetry: Telemetry;
  /** Files that were read as a whole and were what they should be: the hash of a table, and which file it was. */
  readonly #verified = new Map<string, string>();

  constructor(folder: CacheFolder, telemetry: Telemetry) {
    this.#folder = folder;
    this.#telemetry = telemetry;
  }

  /** Undefined if it isn't there, or is damaged. The caller closes it. */
  async open({ hash, byteLength }: TableRef): Promise<FileHandle | undefined> {
    const name = hash + SUFFIX;
    const file = await this.#folder.open(name);
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
      await discard(this.#folder, name, error, this.#telemetry);
      return undefined;
    }
    return file;
  }

  /** What names the table in this folder, for all processes of the machine. */
  lockOf({ hash }: Pick<TableRef, 'hash'>): string {
    return createHash('sha256').update(`${this.#folder.identity} ${hash}`).digest('hex');
  }

  /** @throws what writing throws */
  async write(stored: StoredTable): Promise<void> {
    const name = stored.hash + SUFFIX;
    if (!stored.isInMemory || (await this.#folder.has(name))) return;
    await this.#folder.write(name, [await stored.bytes()]);
  }
}

export async function discard(
  folder: CacheFolder,
  name: string,
  error: unknown,
  { log }: Telemetry,
): Promise<void> {
  log.warn({ event: 'cache.damaged', file: name, err: error }, 'a file of the cache is damaged');
  await folder.remove(name);
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
