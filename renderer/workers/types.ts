/** The public types of workers. docs/workers.md explains them in prose. */
import type { ObjectStore } from '../store/types.js';
import type { RendererOptions, RendererStats } from '../types.js';

/** How many steps of one tenant are begun in a time, by all workers together. */
export interface TenantRateLimit {
  readonly steps: number;
  /** In milliseconds. */
  readonly perMs: number;
}

/** How a worker is started. All workers of a queue have the same, but for `concurrency`. */
export interface WorkerOptions extends Omit<
  RendererOptions,
  'queue' | 'store' | 'maxChildren' | 'maxTabs' | 'maxSteps'
> {
  readonly queue: {
    /** A URL such as `redis://127.0.0.1:6379`, or options of ioredis. */
    readonly connection: string | object;
    /** What all keys begin with. @default 'nodespawner' */
    readonly prefix?: string;
  };
  /** Where tables and results are that all share. */
  readonly store: ObjectStore;
  /** How many steps are run at once. `auto`: as many as there are cores, and as the memory is enough for. @default 'auto' */
  readonly concurrency?: number | 'auto';
  /** @default none */
  readonly tenantLimit?: TenantRateLimit;
  /** How long `close()` goes on with what was begun, in milliseconds. @default {@link DEFAULT_DRAIN_MS} */
  readonly drainMs?: number;
  /** After so long without a sign of life, a worker's steps are given to others, in milliseconds. @default {@link DEFAULT_LOCK_MS} */
  readonly lockMs?: number;
  /** How long a step is tried again that fails for reasons that are not its own, in milliseconds. @default {@link DEFAULT_RETRY_MS} */
  readonly retryMs?: number;
}

/** What a worker has done and is doing. */
export interface WorkerStats extends Omit<RendererStats, 'renderings'> {
  /** `givenBack`: begun, and left to others because it was closed. `failed`: of those with errors, for which no step was to blame. */
  readonly steps: {
    readonly active: number;
    readonly ok: number;
    readonly error: number;
    readonly canceled: number;
    readonly givenBack: number;
    readonly failed: number;
  };
  /** Tables between this worker and the store, in bytes. What it had already was not moved. */
  readonly transferred: { readonly uploadedBytes: number; readonly downloadedBytes: number };
}
