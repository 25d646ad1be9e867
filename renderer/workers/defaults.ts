/** The defaults of queues and workers, so that what the documentation says is what the code does. */

export const DEFAULT_QUEUE_PREFIX = 'nodespawner';
export const DEFAULT_TENANT = 'default';
/** How long a worker that is told to end goes on with what it has begun. */
export const DEFAULT_DRAIN_MS = 30_000;
/** After so long without a sign of life of its worker, a step is given to another one. */
export const DEFAULT_LOCK_MS = 30_000;
/** How long a step is tried again that fails for reasons that are not its own. */
export const DEFAULT_RETRY_MS = 120_000;
