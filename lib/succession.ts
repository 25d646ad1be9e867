/**
 * One zygote after another. All children of a zygote share its address-space layout, so what one of them finds out about
 * it, or dies of trying, is worth less if the next children have another. The next zygote is started while the last one
 * still serves; the last one ends with its last child.
 */
import { AtMostEvery } from './at-most-every.js';
import type { CheckedZygoteOptions } from './options.js';
import type { Ended } from './running-child.js';
import { startZygoteProcess, type ZygoteProcess } from './zygote-process.js';

/**
 * What a child dies of when it misses an address, or asks the kernel for what it may not. Not SIGABRT and SIGTRAP: they
 * are how V8 ends when it has no more memory, which is no rare thing.
 */
const SUSPICIOUS: ReadonlySet<string> = new Set(['SIGSEGV', 'SIGBUS', 'SIGILL', 'SIGSYS']);

/** How long to wait before the next try when a zygote could not be started, in milliseconds. */
const RETRY_AFTER_MS = 10_000;

/**
 * A zygote takes a good part of a second of CPU time to start, which code that crashes all the time could have the host
 * spend all the time.
 */
const CRASH_PAUSE_MS = 5_000;

export class Succession {
  readonly #options: CheckedZygoteOptions;
  readonly #onDied: () => void;
  #current: ZygoteProcess;
  /** Those that still have children. */
  readonly #retired = new Set<ZygoteProcess>();
  #next: Promise<void> | undefined;
  #children = 0;
  #count = 0;
  #error: Error | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;
  readonly #afterCrash = new AtMostEvery(CRASH_PAUSE_MS, () => {
    this.replace();
  });

  private constructor(options: CheckedZygoteOptions, first: ZygoteProcess, onDied: () => void) {
    this.#options = options;
    this.#current = first;
    this.#onDied = onDied;
    this.#restartTimer(options.rotation.afterMs);
  }

  /** @param onDied called when the zygote that serves has died by itself */
  static async start(options: CheckedZygoteOptions, onDied: () => void): Promise<Succession> {
    // It can't be gone before it has been returned: until then startZygoteProcess() rejects instead.
    const first = await startZygoteProcess(options, () => {
      succession.gone(first);
    });
    const succession = new Succession(options, first, onDied);
    return succession;
  }

  get current(): ZygoteProcess {
    return this.#current;
  }

  /** How often a zygote has been replaced. */
  get count(): number {
    return this.#count;
  }

  /** Why the last try to replace it failed; the old one goes on serving, and it is tried again. */
  get error(): Error | undefined {
    return this.#error;
  }

  /** A child of the current zygote has been asked for. */
  childStarted(): void {
    if (++this.#children >= this.#options.rotation.afterChildren) this.replace();
  }

  childEnded({ signal, killed, forbidden }: Ended): void {
    const isSuspicious = forbidden !== null || (signal !== null && killed === null && SUSPICIOUS.has(signal));
    if (isSuspicious && this.#options.rotation.afterCrash) this.#afterCrash.ask();
  }

  replace(): void {
    if (this.#closed) return;
    this.#next ??= this.#startNext().finally(() => {
      this.#next = undefined;
    });
  }

  async #startNext(): Promise<void> {
    try {
      const next = await startZygoteProcess(this.#options, () => {
        this.gone(next);
      });
      const last = this.#current;
      this.#current = next;
      this.#children = 0;
      this.#count++;
      this.#error = undefined;
      this.#retired.add(last);
      void last.exited.then(() => this.#retired.delete(last));
      last.retire();
      this.#restartTimer(this.#options.rotation.afterMs);
      if (this.#closed) next.control.close();
    } catch (error) {
      this.#error = error as Error;
      this.#restartTimer(RETRY_AFTER_MS);
    }
  }

  gone(process: ZygoteProcess): void {
    if (process !== this.#current || this.#closed) return;
    this.end();
    this.#onDied();
  }

  /** Ends all zygotes and their children, now. */
  end(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#afterCrash.end();
    for (const process of [this.#current, ...this.#retired]) process.control.close();
  }

  /** Resolves when all of them are gone. */
  async ended(): Promise<void> {
    await this.#next;
    await Promise.all([this.#current, ...this.#retired].map(({ exited }) => exited));
  }

  kill(): void {
    for (const process of [this.#current, ...this.#retired]) process.kill();
  }

  #restartTimer(ms: number): void {
    clearTimeout(this.#timer);
    if (ms === Infinity || this.#closed) return;
    this.#timer = setTimeout(() => {
      this.replace();
    }, ms);
    this.#timer.unref();
  }
}
