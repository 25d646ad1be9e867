/** The handle that a caller holds: pid, streams, kill, disposal. */
import type { Readable, Writable } from 'node:stream';
import { whenCollected } from './collected.js';
import { InvalidOptionError } from './errors.js';
import type { RunningChild } from './running-child.js';
import type { Stdio } from './stdio.js';
import type { ChildHandle } from './types.js';
import { constants } from 'node:os';

const owner = Symbol('nodespawner.handle');

/** Whoever has the part has the handle too: a stream in use must not lose its child. */
export function pin<T extends object>(part: T, handle: object): T {
  return Object.assign(part, { [owner]: handle });
}

export class Handle implements ChildHandle {
  readonly pid: number;
  readonly #running: RunningChild;
  readonly #stdio: Stdio;

  constructor(running: RunningChild, stdio: Stdio, pid: number) {
    this.pid = pid;
    this.#running = running;
    this.#stdio = stdio;
    const forget = whenCollected(this, () => {
      running.kill({ kind: 'canceled', reason: new Error('the handle of the child was garbage-collected') });
    });
    running.ended.then(forget, forget);
  }

  get stdin(): Writable | null {
    const stream = this.#stdio.stdin;
    return stream && pin(stream, this);
  }

  get stdout(): Readable | null {
    const stream = this.#stdio.stdout;
    return stream && pin(stream, this);
  }

  get stderr(): Readable | null {
    const stream = this.#stdio.stderr;
    return stream && pin(stream, this);
  }

  kill(signal?: NodeJS.Signals): boolean {
    if (signal === undefined) return this.#running.kill(null);
    if (!Object.hasOwn(constants.signals, signal))
      throw new InvalidOptionError('signal', "a name such as 'SIGTERM'", signal);
    return this.#running.signal(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#running.kill({ kind: 'canceled', reason: new Error('the handle of the child was disposed of') });
    await this.#running.ended.catch(() => undefined);
  }
}
