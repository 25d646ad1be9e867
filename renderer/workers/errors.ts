/** What goes wrong between a client, the queue and the workers. Match `code`, which is stable, and not the message. */
import { NodespawnerError } from '../../lib/errors.js';

/**
 * `ERR_QUEUE_UNAVAILABLE`: Redis doesn't answer, or refuses the client. `ERR_QUEUE_PACKAGE`: an optional package is not
 * installed that a queue needs.
 */
export class QueueError extends NodespawnerError {
  declare readonly code: 'ERR_QUEUE_UNAVAILABLE' | 'ERR_QUEUE_PACKAGE';
}

/** What a job has in it is not what this version writes: `ERR_BAD_JOB`. Nothing of it is run. */
export class BadJobError extends NodespawnerError {
  declare readonly code: 'ERR_BAD_JOB';

  constructor(what: string, cause: unknown) {
    super('ERR_BAD_JOB', `${what} can't be used: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
  }
}
