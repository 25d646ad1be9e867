/**
 * Files of a cache on disk, which several processes may use at once and of which any may be killed at any moment: a file
 * is there as a whole or not at all, any may vanish, and the oldest do when there are too many bytes.
 */
import { constants } from 'node:fs';
import { mkdir, open, readdir, rm, stat, utimes, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { isAbandoned, writeAtomically } from './atomic-file.js';

/** Who makes room makes a bit more, so that the next one needn't. */
const KEPT_SHARE = 0.9;

/** After so much of what may be written the folder is looked at again: others write to it too. */
const LOOK_AGAIN_SHARE = 1 / 16;

interface FoundFile {
  readonly file: string;
  readonly size: number;
  readonly usedMs: number;
}

export class CacheFolder {
  /** The same for all that have opened it, by whichever path. */
  readonly identity: string;
  readonly #dir: string;
  readonly #maxBytes: number;
  #bytes = 0;
  #writtenSinceLook = Infinity;
  #writtenBytes = 0;

  private constructor(dir: string, maxBytes: number, identity: string) {
    this.#dir = dir;
    this.#maxBytes = maxBytes;
    this.identity = identity;
  }

  /** @throws what making the folder throws */
  static async open(dir: string, maxBytes: number): Promise<CacheFolder> {
    await mkdir(dir, { recursive: true, mode: 0o700 });
    const { dev, ino } = await stat(dir);
    const folder = new CacheFolder(dir, maxBytes, `${dev} ${ino}`);
    await folder.#makeRoom(0);
    return folder;
  }

  /** On disk, when it was last looked at, and what was written since. */
  get bytes(): number {
    return this.#bytes;
  }

  get writtenBytes(): number {
    return this.#writtenBytes;
  }

  /** Undefined if there is no such file. The caller closes it. */
  async open(name: string): Promise<FileHandle | undefined> {
    const file = path.join(this.#dir, name);
    try {
      const handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW);
      const now = new Date();
      // Lately used: others are removed first. It may have just been removed.
      await utimes(file, now, now).catch(() => undefined);
      return handle;
    } catch {
      return undefined;
    }
  }

  /**
   * Nothing is written of what is larger than the whole cache.
   *
   * @throws what writing throws; nothing is left then
   */
  async write(name: string, chunks: readonly Uint8Array[]): Promise<void> {
    const size = chunks.reduce((sum, { byteLength }) => sum + byteLength, 0);
    if (size > this.#maxBytes) return;
    await this.#makeRoom(size);
    await writeAtomically(this.#dir, name, chunks);
    this.#bytes += size;
    this.#writtenBytes += size;
    this.#writtenSinceLook += size;
  }

  async remove(name: string): Promise<void> {
    await rm(path.join(this.#dir, name), { force: true }).catch(() => undefined);
  }

  async has(name: string): Promise<boolean> {
    return stat(path.join(this.#dir, name)).then(
      () => true,
      () => false,
    );
  }

  async #makeRoom(size: number): Promise<void> {
    const isKnown = this.#writtenSinceLook < this.#maxBytes * LOOK_AGAIN_SHARE;
    if (isKnown && this.#bytes + size <= this.#maxBytes) return;
    const files = await this.#look();
    this.#writtenSinceLook = 0;
    this.#bytes = files.reduce((sum, file) => sum + file.size, 0);
    if (this.#bytes + size <= this.#maxBytes) return;
    const most = Math.max(0, this.#maxBytes * KEPT_SHARE - size);
    for (const { file, size: freed } of files.sort((a, b) => a.usedMs - b.usedMs)) {
      if (this.#bytes <= most) break;
      await rm(file, { force: true }).catch(() => undefined);
      this.#bytes -= freed;
    }
  }

  async #look(): Promise<FoundFile[]> {
    const files: FoundFile[] = [];
    for (const name of await readdir(this.#dir)) {
      const file = path.join(this.#dir, name);
      try {
        const stats = await stat(file);
        const { size, mtimeMs: usedMs } = stats;
        if (!stats.isFile()) continue;
        if (isAbandoned(name, usedMs)) await rm(file, { force: true });
        else files.push({ file, size, usedMs });
      } catch {
        // It has just vanished.
      }
    }
    return files;
  }
}
