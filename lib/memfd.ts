/** Memory files that the host fills and that children can't change. */
import { write, writeSync } from 'node:fs';
import { promisify } from 'node:util';
import { F_SEAL_GROW, F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_WRITE, native } from './native.js';

const writeAsync = promisify(write);

/** Up to here a write is done in place. */
const SYNC_BYTES = 1024 * 1024;

const SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;

async function writeFully(fd: number, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.byteLength;) {
    const length = bytes.byteLength - done;
    done +=
      length <= SYNC_BYTES
        ? writeSync(fd, bytes, done, length, position + done)
        : (await writeAsync(fd, bytes, done, length, position + done)).bytesWritten;
  }
}

/** Whether this can be written at once; beyond that, it would hold up the event loop. */
export const isSmall = (bytes: Uint8Array): boolean => bytes.byteLength <= SYNC_BYTES;

/** Chunks of bytes and where they begin. */
export type Placed = readonly [position: number, bytes: Uint8Array];

/** A sealed memfd with small contents, made in one call: each one into the kernel takes a while after a pause. The caller closes it. */
export function sealedMemfdOf(
  name: string,
  pieces: readonly Uint8Array[],
  positions: readonly number[],
): number {
  return native.createFilledMemfd(name, pieces, positions, SEALS);
}

/** A sealed memfd with these contents. The caller closes it. */
export async function sealedMemfd(
  name: string,
  contents: Iterable<Placed> | AsyncIterable<Placed>,
): Promise<number> {
  const fd = native.createMemfd(name);
  try {
    for await (const [position, bytes] of contents) await writeFully(fd, bytes, position);
    native.addSeals(fd, SEALS);
  } catch (error) {
    native.close(fd);
    throw error;
  }
  return fd;
}
