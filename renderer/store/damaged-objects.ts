/**
 * Objects whose bytes came to this process as others than were put, and what names such, or names what is gone. They stay in the store: what is damaged may be the way from
 * there, and others read them well. Whoever makes one anew here replaces it.
 */
import type { Telemetry } from '../telemetry.js';
import type { StoreError } from './errors.js';
import type { ObjectStore, PutOptions } from './types.js';

/** The names of more are forgotten, the oldest first. */
const MOST = 10_000;

export class DamagedObjects {
  readonly #telemetry: Telemetry;
  readonly #keys = new Set<string>();

  constructor(telemetry: Telemetry) {
    this.#telemetry = telemetry;
  }

  add(error: StoreError): void {
    const { key } = error;
    this.#telemetry.log.warn(
      { event: 'store.damaged', key, err: error },
      'an object of the store is damaged',
    );
    this.replace(key);
  }

  has(key: string): boolean {
    return this.#keys.has(key);
  }

  /** Whoever makes it anew here puts it in the place of the one that is there. */
  replace(key: string): void {
    this.#keys.add(key);
    for (const oldest of this.#keys) {
      if (this.#keys.size <= MOST) break;
      this.#keys.delete(oldest);
    }
  }

  /**
   * Puts an object into the store, in place of the one that is there if that is known to be damaged.
   *
   * @returns whether bytes were written
   * @throws {StoreError}; the reason of the signal
   */
  async put(store: ObjectStore, key: string, body: Uint8Array, options: PutOptions): Promise<boolean> {
    const replace = this.has(key);
    const isWritten = await store.put(key, body, { ...options, replace });
    if (replace) this.#keys.delete(key);
    return isWritten;
  }
}
