/** All that is written to a pipe, up to a limit. */
import { native } from './native.js';

export interface Collected {
  readonly bytes: Buffer;
  /** Whether there was more. */
  readonly truncated: boolean;
  /** Whether there was more than anybody was going to read. */
  readonly stopped: boolean;
  /** What read(2) failed with, or 0. */
  readonly errno: number;
}

/**
 * Owns `fd`. Resolves at the end of the stream. What is beyond `maxBytes` is read and dropped, so that the writer is not
 * held up, and after `stopAfter` bytes the stream is closed.
 */
export function collect(fd: number, maxBytes: number, stopAfter: number): Promise<Collected> {
  const { promise, resolve } = withResolvers<Collected>();
  // Not in the function that a Promise is made with, which would turn a failure to start into a rejection.
  native.collect(fd, maxBytes, stopAfter, (bytes, truncated, stopped, errno) => {
    resolve({ bytes, truncated, stopped, errno });
  });
  return promise;
}

/** Promise.withResolvers(), which Node 20 has not. */
function withResolvers<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve!: (value: T) => void;
  const promise = new Promise<T>((settle) => (resolve = settle));
  return { promise, resolve };
}
