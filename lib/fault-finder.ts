/** Finds what is wrong with large tables beside the main thread, whose event loop goes on meanwhile. */
import { Worker } from 'node:worker_threads';
import type { OutputTable } from '../protocol/messages.js';
import type { Findings } from './find-fault.js';

export interface FaultQuestion {
  readonly id: number;
  readonly fd: number;
  /** Of the last table. */
  readonly end: number;
  readonly tables: readonly OutputTable[];
}

export type FaultAnswer =
  { readonly id: number; readonly findings: Findings } | { readonly id: number; readonly error: unknown };

interface Asked {
  resolve(findings: Findings): void;
  reject(error: unknown): void;
}

/** How long the thread is kept when there is nothing to do. */
const IDLE_MS = 5_000;

/** A thread that is there when it is needed. It keeps no host alive: who waits for a result does. */
class FaultFinder {
  readonly #asked = new Map<number, Asked>();
  #worker: Worker | undefined;
  #idle: NodeJS.Timeout | undefined;
  #lastId = 0;

  /** The caller keeps `fd` open until then. */
  find(fd: number, end: number, tables: readonly OutputTable[]): Promise<Findings> {
    clearTimeout(this.#idle);
    const worker = (this.#worker ??= this.#start());
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#asked.set(id, { resolve, reject });
      worker.postMessage({ id, fd, end, tables } satisfies FaultQuestion);
    });
  }

  #start(): Worker {
    // Not the host's options and environment: what they load or change is not for this.
    const env = Object.entries(process.env).filter(([name]) => name.startsWith('NODESPAWNER_'));
    const worker = new Worker(new URL('./fault-thread.js', import.meta.url), {
      name: 'nodespawner tables',
      execArgv: [],
      env: Object.fromEntries(env),
    });
    worker.unref();
    worker.on('message', (answer: FaultAnswer) => {
      this.#settle(answer);
    });
    worker.on('error', (error) => {
      this.#lost(worker, error);
    });
    worker.on('exit', (code) => {
      this.#lost(worker, new Error(`the thread that checks tables ended with code ${code}`));
    });
    return worker;
  }

  #settle(answer: FaultAnswer): void {
    const asked = this.#asked.get(answer.id);
    // A thread that was given up may have had an answer.
    if (asked === undefined) return;
    this.#asked.delete(answer.id);
    if ('error' in answer) asked.reject(answer.error);
    else asked.resolve(answer.findings);
    if (this.#asked.size === 0) this.#endWhenIdle();
  }

  #endWhenIdle(): void {
    const worker = this.#worker;
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => {
      this.#worker = undefined;
      void worker?.terminate();
    }, IDLE_MS);
    this.#idle.unref();
  }

  /** SECURITY: a table that was not found to be fine is not read. */
  #lost(worker: Worker, error: unknown): void {
    if (worker !== this.#worker) return;
    this.#worker = undefined;
    const asked = [...this.#asked.values()];
    this.#asked.clear();
    for (const each of asked) each.reject(error);
  }
}

/** Takes up to some 100 ms, if a child has seen to it that it takes long. */
const MIDDLING_BYTES = 16 * 1024 * 1024;

// For all zygotes. SECURITY: a child that has filled a lot of memory holds up others that have, and nobody else.
const middling = new FaultFinder();
const large = new FaultFinder();

export const faultFinder: Pick<FaultFinder, 'find'> = {
  find: (fd, end, tables) => (end > MIDDLING_BYTES ? large : middling).find(fd, end, tables),
};
