/**
 * Remembers what was filled with random bytes while the zygote preloaded, to fill it anew in each child.
 *
 * Everything in Node that hands out random bytes fills a buffer with one native job: randomBytes, randomFill,
 * getRandomValues, and also the caches that randomUUID and randomInt keep for themselves. Wrapping that job covers them
 * all, however a library got hold of the function, and whatever pool it keeps of its own (uuid, nanoid).
 *
 * Filled anew is what still holds the bytes that it was filled with, in runs of MIN_RUN bytes or more (shorter runs in
 * a buffer of other data are chance): what was overwritten since is not random data any more.
 *
 * Not covered: what was computed from random bytes, such as a string or a seed. And a key that something was encrypted
 * or hashed with while preloading changes under it, if the bytes are still there.
 */
import { internalBinding } from './internals.js';

type Filled = ArrayBufferLike | NodeJS.ArrayBufferView;

interface RandomBytesJob {
  run(): [Error | undefined];
  ondone?: (...args: unknown[]) => void;
}

interface CryptoBinding {
  RandomBytesJob: new (mode: number, buffer: Filled, offset: number, size: number) => RandomBytesJob;
  readonly kCryptoJobSync: number;
}

/** Fills a range of a buffer, in bytes from where the buffer or view begins. */
export type NativeRandom = (buffer: Filled, offset: number, size: number) => void;

interface Fill {
  readonly buffer: WeakRef<ArrayBufferLike>;
  readonly start: number;
  /** A copy of the bytes, once they are there. */
  bytes: Uint8Array | undefined;
}

const MIN_RUN = 8;
const WASM_PAGE = 64 * 1024;
const FIRST_PRUNE = 1024;

export class RandomFills {
  readonly native: NativeRandom;
  /** Whether anything was filled since. */
  used = false;
  #recording = true;
  #fills: Fill[] = [];
  #pruneAt = FIRST_PRUNE;
  // Pools are filled over and over: the last fill of a range replaces the one before.
  #known = new WeakMap<ArrayBufferLike, Map<string, Fill>>();
  /** What was left when it was sealed before. */
  #runs: Uint8Array[] = [];
  readonly #install: () => void;
  readonly #restore: () => void;

  constructor() {
    const binding = internalBinding('crypto') as CryptoBinding;
    const { RandomBytesJob: Native, kCryptoJobSync } = binding;
    this.native = (buffer, offset, size) => {
      const [error] = new Native(kCryptoJobSync, buffer, offset, size).run();
      if (error) throw error;
    };
    // Node keeps this constructor for good, so what it does in the child must stay small.
    const Recorded = (mode: number, buffer: Filled, offset: number, size: number): RandomBytesJob => {
      const job = new Native(mode, buffer, offset, size);
      if (this.#recording) this.#record(job, mode === kCryptoJobSync, buffer, offset, size);
      return job;
    };
    const Recording = function (mode: number, buffer: Filled, offset: number, size: number) {
      return Recorded(mode, buffer, offset, size);
    } as unknown as CryptoBinding['RandomBytesJob'];
    this.#install = () => {
      binding.RandomBytesJob = Recording;
    };
    this.#restore = () => {
      binding.RandomBytesJob = Native;
    };
    this.#install();
  }

  #record(job: RandomBytesJob, sync: boolean, filled: Filled, offset: number, size: number): void {
    this.used = true;
    const isView = ArrayBuffer.isView(filled);
    const buffer = isView ? filled.buffer : filled;
    if (isView && mayBeWasmMemory(filled)) return;
    const start = (isView ? filled.byteOffset : 0) + offset;
    const fill = this.#fillAt(buffer, start, size);
    const copy = (): void => {
      fill.bytes = new Uint8Array(buffer, start, size).slice();
    };
    if (sync) {
      const run = job.run.bind(job);
      job.run = () => {
        const result = run();
        copy();
        return result;
      };
      return;
    }
    // Node sets ondone once it has the job.
    Object.defineProperty(job, 'ondone', {
      configurable: true,
      set(done: (...args: unknown[]) => void) {
        const value = (...args: unknown[]): void => {
          copy();
          done.apply(job, args);
        };
        Object.defineProperty(job, 'ondone', { value, configurable: true, writable: true });
      },
    });
  }

  #fillAt(buffer: ArrayBufferLike, start: number, size: number): Fill {
    let known = this.#known.get(buffer);
    if (known === undefined) this.#known.set(buffer, (known = new Map<string, Fill>()));
    const key = `${start}+${size}`;
    let fill = known.get(key);
    if (fill === undefined) {
      fill = { buffer: new WeakRef(buffer), start, bytes: undefined };
      known.set(key, fill);
      this.#fills.push(fill);
      this.#prune();
    }
    return fill;
  }

  #prune(): void {
    if (this.#fills.length < this.#pruneAt) return;
    this.#fills = this.#fills.filter(({ buffer }) => buffer.deref() !== undefined);
    this.#pruneAt = Math.max(FIRST_PRUNE, 2 * this.#fills.length);
  }

  /** Remembers what is filled from now on, besides what is left already. After {@link seal}. */
  unseal(): void {
    this.#recording = true;
    this.#install();
  }

  /** Stops remembering. @returns what a child calls to fill anew all that is left. */
  seal(): () => void {
    this.#recording = false;
    this.used = false;
    this.#restore();
    // Some may have been transferred since.
    const runs = [...this.#runs.filter(({ length }) => length > 0), ...this.#fills.flatMap(unchangedRuns)];
    this.#runs = runs;
    this.#fills = [];
    this.#known = new WeakMap();
    const total = runs.reduce((sum, { length }) => sum + length, 0);
    const { native } = this;
    return () => {
      if (total === 0) return;
      // One call for all: each has a price of its own.
      const bytes = new Uint8Array(total);
      native(bytes, 0, total);
      let from = 0;
      for (const run of runs) {
        run.set(bytes.subarray(from, from + run.length));
        from += run.length;
      }
    };
  }
}

/**
 * WebAssembly code has its random bytes written to some place in its memory, where they are a seed by now, or the keys
 * of a hash table that has entries. Nothing but its size, in whole pages, tells such a memory from another buffer.
 */
function mayBeWasmMemory(view: NodeJS.ArrayBufferView): boolean {
  const { byteLength } = view.buffer;
  return !Buffer.isBuffer(view) && view.byteLength < byteLength && byteLength % WASM_PAGE === 0;
}

function unchangedRuns({ buffer, start, bytes }: Fill): Uint8Array[] {
  const alive = buffer.deref();
  // It may have been transferred or made smaller.
  if (alive === undefined || bytes === undefined || start + bytes.length > alive.byteLength) return [];
  const now = new Uint8Array(alive, start, bytes.length);
  const shortest = Math.min(MIN_RUN, bytes.length);
  const runs: Uint8Array[] = [];
  let from = 0;
  for (let at = 0; at <= bytes.length; at++) {
    if (at < bytes.length && now[at] === bytes[at]) continue;
    if (at - from >= shortest) runs.push(now.subarray(from, at));
    from = at + 1;
  }
  return runs;
}
