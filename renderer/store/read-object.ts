/** Reads objects, checks what came, and reads again where that may help. */
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { InvalidOptionError, SharedTable } from '../../lib/index.js';
import { isCorrupt, StoreError } from './errors.js';
import { tableKey } from './key.js';
import type { ObjectStore, StoredObject, TableRef } from './types.js';

/** Each from the beginning. What was cut may arrive whole the next time. */
const MOST_READS = 4;
/** What is damaged on the way is rare. */
const MOST_CORRUPT_READS = 2;
const FIRST_PAUSE_MS = 100;

/** A body of which nothing comes for so long is given up. */
const STALLED_MS = 20_000;

/** Of what is read into the heap. */
const MOST_BYTES = 256 * 1024 * 1024;

/**
 * A table in sealed memory, into which it goes as it comes. What has its hash was checked by whoever put it there.
 *
 * @returns undefined if it isn't there
 * @throws {StoreError}; the reason of the signal
 */
export async function readTable(
  store: ObjectStore,
  ref: TableRef,
  signal: AbortSignal,
): Promise<SharedTable | undefined> {
  const key = tableKey(ref);
  return read(store, key, signal, async (object) => {
    const corrupt = (detail: string, cause?: unknown): StoreError =>
      new StoreError('ERR_STORE_CORRUPT', store.name, key, detail, { cause });
    if (object.byteLength !== ref.byteLength) {
      object.body.destroy();
      throw corrupt(`it has ${object.byteLength} bytes, and not ${ref.byteLength}`);
    }
    const hash = createHash('sha256');
    async function* checked(): AsyncGenerator<Uint8Array> {
      for await (const chunk of chunksOf(store, key, object, signal)) {
        hash.update(chunk);
        yield chunk;
      }
      // Before it is sealed and looked at.
      if (hash.digest('hex') !== ref.hash) throw corrupt('its bytes have another hash');
    }
    try {
      return await SharedTable.from(Readable.from(checked(), { objectMode: true }));
    } catch (error) {
      if (error instanceof InvalidOptionError) throw corrupt('it is no table', error);
      throw error;
    }
  });
}

/**
 * Of an object that is not large, what `check` makes of its bytes, which throws if they are not what was put there.
 *
 * @returns undefined if it isn't there
 * @throws {StoreError}; the reason of the signal
 */
export async function readBytes<T>(
  store: ObjectStore,
  key: string,
  check: (bytes: Buffer) => T,
  signal: AbortSignal,
): Promise<T | undefined> {
  return read(store, key, signal, async (object) => {
    const corrupt = (detail: string, cause?: unknown): StoreError =>
      new StoreError('ERR_STORE_CORRUPT', store.name, key, detail, { cause });
    if (object.byteLength > MOST_BYTES) {
      object.body.destroy();
      throw corrupt(`it has ${object.byteLength} bytes`);
    }
    const chunks: Uint8Array[] = [];
    for await (const chunk of chunksOf(store, key, object, signal)) chunks.push(chunk);
    try {
      return check(Buffer.concat(chunks));
    } catch (error) {
      throw corrupt((error as Error).message, error);
    }
  });
}

/** All of them, or an error. */
async function* chunksOf(
  store: ObjectStore,
  key: string,
  { body, byteLength }: StoredObject,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const unavailable = (detail: string, cause?: unknown): StoreError =>
    new StoreError('ERR_STORE_UNAVAILABLE', store.name, key, detail, { cause });
  const onAbort = (): void => {
    body.destroy();
  };
  signal.addEventListener('abort', onAbort, { once: true });
  const watchdog = setTimeout(() => {
    body.destroy(unavailable(`nothing came for ${STALLED_MS} ms`));
  }, STALLED_MS);
  let received = 0;
  try {
    signal.throwIfAborted();
    for await (const chunk of body as AsyncIterable<Uint8Array>) {
      received += chunk.byteLength;
      if (received > byteLength) break;
      yield chunk;
      watchdog.refresh();
    }
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof StoreError) throw error;
    throw unavailable((error as Error).message, error);
  } finally {
    clearTimeout(watchdog);
    signal.removeEventListener('abort', onAbort);
    body.destroy();
  }
  signal.throwIfAborted();
  if (received !== byteLength) throw unavailable(`${received} of its ${byteLength} bytes came`);
}

async function read<T>(
  store: ObjectStore,
  key: string,
  signal: AbortSignal,
  take: (object: StoredObject) => Promise<T>,
): Promise<T | undefined> {
  for (let reads = 1, corrupt = 0; ; reads++) {
    // It has tried again itself.
    const object = await store.get(key, { signal });
    if (object === undefined) return undefined;
    try {
      return await take(object);
    } catch (error) {
      signal.throwIfAborted();
      if (isCorrupt(error)) corrupt++;
      const mayHelp = error instanceof StoreError && reads < MOST_READS && corrupt < MOST_CORRUPT_READS;
      if (!mayHelp) throw error;
    }
    const ms = FIRST_PAUSE_MS * 2 ** (reads - 1) * (0.5 + Math.random());
    await pause(ms, undefined, { signal }).catch(() => undefined);
  }
}
