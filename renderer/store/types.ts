/** Where tables and results are kept that several machines share. */
import type { Readable } from 'node:stream';

/** What ends a transfer. */
export interface StoreCallOptions {
  /** Once aborted, the call ends at once and throws its reason. */
  readonly signal?: AbortSignal;
}

/** What is known of an object before it is written. */
export interface PutOptions extends StoreCallOptions {
  /** SHA-256 of all of its bytes, in hexadecimal. */
  readonly sha256: string;
  /** Whether it is written also if an object of this name and size is there: that one came damaged. @default false */
  readonly replace?: boolean;
}

/** An object that is being read. */
export interface StoredObject {
  readonly byteLength: number;
  /**
   * Its bytes; whoever doesn't read them to the end destroys it. It ends early or with an error if the transfer is cut or aborted.
   * They may be others than were put: the reader checks their hash.
   */
  readonly body: Readable;
}

/**
 * Immutable objects by name, such as `tables/<sha256>.arrow` and `results/<key>`. An object is there as a whole or not at all.
 * Each call is bounded in time, and tried again a few times where that may help; then it throws a {@link StoreError}.
 * {@link folderStore} and {@link s3Store} make one; a program may bring its own.
 */
export interface ObjectStore extends AsyncDisposable {
  /** For messages and logs, such as `s3://bucket/prefix`. Has no credentials. */
  readonly name: string;

  /**
   * Resolves when it is there for all that read. Does nothing if an object of this name and size is there already,
   * unless it is to be replaced: then readers get the one or the other, and never none.
   *
   * @param body stays as it is until the call ends
   * @returns whether bytes were written
   * @throws {StoreError}; the reason of the signal
   */
  put(key: string, body: Uint8Array, options: PutOptions): Promise<boolean>;

  /**
   * @returns undefined if there is no such object
   * @throws {StoreError}; the reason of the signal
   */
  get(key: string, options?: StoreCallOptions): Promise<StoredObject | undefined>;

  /**
   * @returns its size in bytes; undefined if there is no such object
   * @throws {StoreError}; the reason of the signal
   */
  sizeOf(key: string, options?: StoreCallOptions): Promise<number | undefined>;

  /** Ends its connections. */
  close(): Promise<void>;
}

/** What names a table wherever it lies. */
export interface TableRef {
  /** SHA-256 of its Arrow IPC bytes, in hexadecimal. */
  readonly hash: string;
  readonly byteLength: number;
}
