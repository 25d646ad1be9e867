/** What a store could not do. Match `code`, which is stable, and not the message. */
import { NodespawnerError } from '../../lib/errors.js';

const WHAT = {
  ERR_STORE_NOT_FOUND: 'is not in',
  ERR_STORE_CORRUPT: 'is not what was put into',
  ERR_STORE_UNAVAILABLE: 'could not be reached in',
  ERR_STORE_DENIED: 'was refused by',
} as const;

/**
 * `ERR_STORE_NOT_FOUND`: a table that was referred to is not there (any more): make it anew.
 * `ERR_STORE_CORRUPT`: its bytes don't have its hash, also when read again: make it anew.
 * `ERR_STORE_UNAVAILABLE`: the store doesn't answer, or not in time, or says that it can't now: try again later.
 * `ERR_STORE_DENIED`: credentials, permissions or the name of the bucket are wrong: an operator has to change something.
 */
export class StoreError extends NodespawnerError {
  declare readonly code: keyof typeof WHAT;
  /** The name of the object. */
  readonly key: string;
  /** The name of the store. */
  readonly store: string;

  constructor(code: keyof typeof WHAT, store: string, key: string, detail = '', options?: ErrorOptions) {
    super(code, `${key} ${WHAT[code]} ${store}${detail === '' ? '' : `: ${detail}`}`, options);
    this.key = key;
    this.store = store;
  }

  /** Whether the same may go well later, with nothing done. */
  get isTransient(): boolean {
    return this.code === 'ERR_STORE_UNAVAILABLE';
  }
}

/** Whether there is nothing to be had of it, so that it is to be made anew. */
export function isGone(error: unknown): error is StoreError {
  return isCorrupt(error) || (error instanceof StoreError && error.code === 'ERR_STORE_NOT_FOUND');
}

export function isCorrupt(error: unknown): error is StoreError {
  return error instanceof StoreError && error.code === 'ERR_STORE_CORRUPT';
}
