/** A store in memory, for tests in one process. */
import { Readable } from 'node:stream';
import type { ObjectStore, PutOptions } from '../../renderer/store/types.js';

export class MemoryStore implements ObjectStore {
  readonly name = 'memory:';
  readonly objects = new Map<string, Uint8Array>();
  /** Asked before each call; what it throws is what the call throws. */
  onCall: (method: string, key: string) => void = () => undefined;

  async put(key: string, body: Uint8Array, { replace = false }: PutOptions): Promise<boolean> {
    this.onCall('put', key);
    const isNew = replace || !this.objects.has(key);
    if (isNew) this.objects.set(key, body.slice());
    return Promise.resolve(isNew);
  }
  async get(key: string) {
    this.onCall('get', key);
    const bytes = this.objects.get(key);
    return Promise.resolve(bytes && { byteLength: bytes.byteLength, body: Readable.from([bytes]) });
  }
  async sizeOf(key: string): Promise<number | undefined> {
    this.onCall('sizeOf', key);
    return Promise.resolve(this.objects.get(key)?.byteLength);
  }
  close(): Promise<void> {
    return Promise.resolve();
  }
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
