/** Waits for a file to be saved. */
import { watch, type FSWatcher } from 'node:fs';
import path from 'node:path';
import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';

/** Editors write more than once when they save. */
const SETTLE_MS = 50;

/**
 * By their folders: an editor that saves by renaming puts another file there, of which the old one's watcher would not know.
 */
export class FileWatch implements Disposable {
  readonly #changed = new AbortController();
  readonly #files = new Set<string>();
  readonly #folders = new Map<string, FSWatcher>();

  /** Aborted at the first change. */
  get signal(): AbortSignal {
    return this.#changed.signal;
  }

  /** Before it is read, lest a change be missed. */
  add(file: string): void {
    this.#files.add(file);
    const folder = path.dirname(file);
    if (this.#folders.has(folder)) return;
    try {
      const watcher = watch(folder, (_, name) => {
        if (name === null || this.#files.has(path.join(folder, name))) this.#changed.abort();
      });
      this.#folders.set(folder, watcher);
    } catch {
      // A folder that isn't there: reading the file says so.
    }
  }

  /** A little after the first change, or when the other signal is aborted. */
  async settled(end: AbortSignal): Promise<void> {
    const either = AbortSignal.any([this.signal, end]);
    if (!either.aborted) await once(either, 'abort');
    if (!end.aborted) await setTimeout(SETTLE_MS);
  }

  [Symbol.dispose](): void {
    for (const watcher of this.#folders.values()) watcher.close();
  }
}
