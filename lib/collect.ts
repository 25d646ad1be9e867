/** All that is written to a pipe, up to a limit. */
import { native } from './native.js';

export interface Collected {
  readonly bytes: Buffer;
  /** Whether there was more. */
  readonly truncated: boolean;
}

/**
 * Owns `fd`. Resolves at the end of the stream, or once there is more than `maxBytes` with `stopAtLimit`; else what is
 * beyond is read and dropped, so that the writer is not held up.
 */
export function collect(fd: number, maxBytes: number, stopAtLimit: boolean): Promise<Collected> {
  const { promise, resolve } = withResolvers<Collected>();
  // Not in the function that a Promise is made with, which would turn a failure to start into a rejection.
  native.collect(fd, maxBytes, stopAtLimit, (bytes, truncated) => {
    resolve({ bytes, truncated });
  });
  return promise;
}

/** Promise.withResolvers(), which Node 20 has not. */
function withResolvers<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve!: (value: T) => void;
  const promise = new Promise<T>((settle) => (resolve = settle));
  return { promise, resolve };
}
