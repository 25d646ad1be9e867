/** What becomes of jobs, for a client that waits for them: by the events of the queue, and by looking now and then. */
import type { QueueEvents } from 'bullmq';
import { settledInTime, STEPS, type QueueConnection } from './connection.js';
import { partsOf } from './jobs.js';

/** What happened to a job; nothing of it is checked yet. */
export interface Follows {
  onProgress(index: number | undefined, progress: unknown): void;
  /** It is over; `failed` if there is no result. */
  onEnd(index: number | undefined, value: unknown, isFailed: boolean): void;
  /** Events may have been missed: look. Called one at a time. */
  look(): Promise<void>;
}

/** Who has heard nothing for so long looks. Events get lost if there are more than Redis keeps, or if Redis loses them. */
const LOOK_MS = 5_000;

export class Follower {
  readonly #events: QueueEvents;
  readonly #following = new Map<string, Follows>();
  readonly #heard = new Set<string>();
  readonly #looking = new Set<string>();
  readonly #timer: NodeJS.Timeout;
  readonly #onError: (error: unknown) => void;

  private constructor(events: QueueEvents, onError: (error: unknown) => void) {
    this.#events = events;
    this.#onError = onError;
    events.on('progress', ({ jobId, data }) => {
      const [follows, index] = this.#find(jobId);
      follows?.onProgress(index, data);
    });
    events.on('completed', ({ jobId, returnvalue }) => {
      const [follows, index] = this.#find(jobId);
      follows?.onEnd(index, returnvalue, false);
    });
    events.on('failed', ({ jobId, failedReason }) => {
      const [follows, index] = this.#find(jobId);
      follows?.onEnd(index, failedReason, true);
    });
    this.#timer = setInterval(() => {
      this.#lookAtSilent();
    }, LOOK_MS);
    this.#timer.unref();
  }

  static async start(connection: QueueConnection, onError: (error: unknown) => void): Promise<Follower> {
    const { bullmq } = connection;
    // What happened before a workflow was begun is of no interest; what happens once this is done is seen.
    const lastEventId = await lastEvent(connection);
    const events = connection.watched(new bullmq.QueueEvents(STEPS, { ...connection.options, lastEventId }));
    await events.waitUntilReady();
    return new Follower(events, onError);
  }

  follow(id: string, follows: Follows): void {
    this.#following.set(id, follows);
    this.#heard.add(id);
  }

  forget(id: string): void {
    this.#following.delete(id);
    this.#heard.delete(id);
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await settledInTime([this.#events.close()]);
  }

  #find(jobId: string): [follows: Follows | undefined, index: number | undefined] {
    const { workflow, index } = partsOf(jobId);
    const follows = this.#following.get(workflow);
    if (follows !== undefined) this.#heard.add(workflow);
    return [follows, index];
  }

  #lookAtSilent(): void {
    for (const [id, follows] of this.#following) {
      if (this.#heard.delete(id) || this.#looking.has(id)) continue;
      this.#looking.add(id);
      follows
        .look()
        .catch(this.#onError)
        .finally(() => this.#looking.delete(id));
    }
  }
}

async function lastEvent({ redis, queue }: QueueConnection): Promise<string> {
  const [entry] = await redis.xrevrange(queue.toKey('events'), '+', '-', 'COUNT', 1);
  return entry?.[0] ?? '0-0';
}
