/** A sealed memfd that is closed when nobody holds it any more. */
import { native } from './native.js';

export class SharedMemory {
  readonly fd: number;
  #holders = 1;

  /** Owns `fd`. Held by whoever makes it. */
  constructor(fd: number) {
    this.fd = fd;
  }

  hold(): void {
    this.#holders++;
  }

  release(): void {
    if (--this.#holders === 0) native.closeMemfd(this.fd);
  }
}

/** An Arrow IPC file or stream in it. */
export interface SharedRange {
  readonly memory: SharedMemory;
  readonly offset: number;
  readonly length: number;
}
