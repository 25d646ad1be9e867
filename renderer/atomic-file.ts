/** Files that are there as a whole or not at all, of which whoever writes them may be killed at any moment. */
import { randomBytes } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import path from 'node:path';

const TEMPORARY = '.tmp-';

/** A temporary file that nobody has written to for so long is what is left of somebody who was killed. */
const ABANDONED_MS = 10 * 60 * 1000;

const WRITE_BYTES = 4 * 1024 * 1024;

export interface AtomicWriteOptions {
  /** Once aborted, nothing is left. */
  readonly signal?: AbortSignal | undefined;
  /** Whether it is to be there also after the machine loses power. @default false */
  readonly durable?: boolean;
}

/** @throws what writing throws, or the reason of the signal; nothing is left then */
export async function writeAtomically(
  dir: string,
  name: string,
  chunks: readonly Uint8Array[],
  { signal, durable = false }: AtomicWriteOptions = {},
): Promise<void> {
  const temporary = path.join(dir, `${TEMPORARY}${randomBytes(12).toString('hex')}`);
  try {
    const handle = await open(temporary, 'wx', 0o600);
    try {
      for (const chunk of chunks) {
        for (let done = 0; done < chunk.byteLength;) {
          signal?.throwIfAborted();
          const length = Math.min(WRITE_BYTES, chunk.byteLength - done);
          done += (await handle.write(chunk, done, length)).bytesWritten;
        }
      }
      if (durable) await handle.sync();
    } finally {
      await handle.close();
    }
    signal?.throwIfAborted();
    await rename(temporary, path.join(dir, name));
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

export function isAbandoned(name: string, mtimeMs: number): boolean {
  return name.startsWith(TEMPORARY) && Date.now() - mtimeMs > ABANDONED_MS;
}
