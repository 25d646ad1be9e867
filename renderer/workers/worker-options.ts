/** Checks how a worker is to be started, and says how much it can do at once. */
import { availableParallelism } from 'node:os';
import { count, fail, Reader, type Check } from '../../lib/reader.js';
import { checkRendererOptions, type CheckedRendererOptions } from '../options.js';
import { objectStore } from '../store/check.js';
import type { ObjectStore } from '../store/types.js';
import { DEFAULT_DRAIN_MS, DEFAULT_LOCK_MS, DEFAULT_RETRY_MS } from './defaults.js';
import { availableMemory } from './available-memory.js';
import { checkQueue, type CheckedQueueOptions } from './options.js';
import type { CheckedTenantLimit } from './tenant-limit.js';
import type { WorkerOptions } from './types.js';

export interface CheckedWorkerOptions {
  readonly queue: CheckedQueueOptions;
  readonly store: ObjectStore;
  readonly renderer: CheckedRendererOptions;
  readonly tenantLimit: CheckedTenantLimit | undefined;
  readonly drainMs: number;
  readonly lockMs: number;
  readonly retryMs: number;
}

/** Of the options of a Renderer, those that do nothing where steps are run. */
const RENDERERS_OWN = ['maxTabs', 'maxSteps', 'maxChildren'] as const;

const MIN_LOCK_MS = 1_000;

/** Of the memory that there is, for children: the rest is for this process, its tables and the zygotes. */
const CHILDREN_SHARE = 0.75;

const limit: Check<CheckedTenantLimit> = (value, name) => {
  const reader = new Reader(value, name);
  const checked = { steps: reader.required('steps', count), perMs: reader.required('perMs', count) };
  reader.end();
  return checked;
};

const places: Check<number | 'auto'> = (value, name) => (value === 'auto' ? value : count(value, name));

const duration: Check<number> = (value, name) =>
  Number.isSafeInteger(value) && (value as number) >= 0
    ? (value as number)
    : fail(name, 'a whole number of milliseconds', value);

const lock: Check<number> = (value, name) =>
  duration(value, name) >= MIN_LOCK_MS
    ? (value as number)
    : fail(name, `at least ${MIN_LOCK_MS} milliseconds`, value);

/** @throws {InvalidOptionError} */
export function checkWorkerOptions(options: WorkerOptions): CheckedWorkerOptions {
  if (typeof options !== 'object' || (options as unknown) === null) fail('options', 'an object', options);
  const { queue, store, concurrency, tenantLimit, drainMs, lockMs, retryMs, ...renderer } = options;
  for (const name of RENDERERS_OWN)
    if (name in renderer)
      fail(
        `options.${name}`,
        'absent: it is for the Renderer that has the queue to say',
        renderer[name as never],
      );
  const reader = new Reader({ queue, store, concurrency, tenantLimit, drainMs, lockMs, retryMs }, 'options');
  const own = {
    queue: reader.required('queue', checkQueue),
    store: reader.required('store', objectStore),
    tenantLimit: reader.get<CheckedTenantLimit | undefined>('tenantLimit', limit, undefined),
    drainMs: reader.get('drainMs', duration, DEFAULT_DRAIN_MS),
    lockMs: reader.get('lockMs', lock, DEFAULT_LOCK_MS),
    retryMs: reader.get('retryMs', duration, DEFAULT_RETRY_MS),
  };
  const given = reader.get<number | 'auto'>('concurrency', places, 'auto');
  const unlimited = checkRendererOptions({ ...renderer, store: own.store });
  const maxChildren =
    given === 'auto'
      ? placesFor(mostMemoryBytes(unlimited), availableMemory(), availableParallelism())
      : given;
  return { ...own, renderer: { ...unlimited, maxChildren } };
}

/** Of those of `render` and `fetch`, which have limits of their own. */
function mostMemoryBytes({ steps, fetch }: CheckedRendererOptions): number {
  return Math.max(steps.limits.memoryBytes, fetch?.limits.memoryBytes ?? 0);
}

/**
 * As many children as have a core and, if each takes all it may, memory; one in any case.
 *
 * @param memoryBytes that each may take
 * @param availableBytes that there is for all, and for this process
 */
export function placesFor(memoryBytes: number, availableBytes: number, cores: number): number {
  const fitting = Math.floor((availableBytes * CHILDREN_SHARE) / memoryBytes);
  return Math.max(1, Math.min(cores, fitting));
}
