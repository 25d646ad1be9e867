/** BullMQ and ioredis, which are loaded only where there is a queue, and what there is on Redis. */
import type * as BullMQ from 'bullmq';
import type { Redis } from 'ioredis';
import type { Logger } from '../types.js';
import { QueueError } from './errors.js';
import type { CheckedQueueOptions } from './options.js';

/** How long the first answer may take. */
const CONNECT_MS = 10_000;

/** A lost connection is tried again at least so often. */
const MOST_RECONNECT_MS = 2_000;

/** How long closing waits for connections. */
const CLOSE_MS = 5_000;

/** The queue of steps, and what collects workflows. */
export const STEPS = 'steps';

/** No jobs: only the stream by which workers hear what is canceled. */
export const CONTROL = 'control';

/** @throws {QueueError} `ERR_QUEUE_PACKAGE` */
export async function loadPackage<T>(name: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new QueueError('ERR_QUEUE_PACKAGE', `install the package ${name}, which a queue needs`, {
      cause: error,
    });
  }
}

export class QueueConnection {
  readonly bullmq: typeof BullMQ;
  readonly redis: Redis;
  readonly prefix: string;
  readonly queue: BullMQ.Queue;
  readonly flows: BullMQ.FlowProducer;
  readonly control: BullMQ.QueueEventsProducer;
  readonly #onError: (error: unknown) => void;

  private constructor(
    bullmq: typeof BullMQ,
    redis: Redis,
    prefix: string,
    onError: (error: unknown) => void,
  ) {
    this.bullmq = bullmq;
    this.redis = redis;
    this.prefix = prefix;
    this.#onError = onError;
    this.queue = this.watched(new bullmq.Queue(STEPS, this.options));
    this.flows = this.watched(new bullmq.FlowProducer(this.options));
    this.control = this.watched(new bullmq.QueueEventsProducer(CONTROL, this.options));
  }

  /** @throws {QueueError}, if Redis doesn't answer */
  static async open(
    { connection, prefix }: CheckedQueueOptions,
    log: Logger | undefined,
  ): Promise<QueueConnection> {
    const bullmq = await loadPackage('bullmq', () => import('bullmq'));
    const ioredis = await loadPackage('ioredis', () => import('ioredis'));
    const options = {
      lazyConnect: true,
      // What is asked for while Redis is away is answered when it is back.
      maxRetriesPerRequest: null,
      retryStrategy: (times: number) => Math.min(50 * 2 ** Math.min(times, 10), MOST_RECONNECT_MS),
      connectionName: 'nodespawner',
    };
    const redis =
      typeof connection === 'string'
        ? new ioredis.Redis(connection, options)
        : new ioredis.Redis({ ...(connection as object), ...options });
    let last: unknown;
    const onError = (error: unknown): void => {
      last = error;
      log?.warn({ event: 'queue.error', err: error }, 'the connection to the queue has an error');
    };
    redis.on('error', onError);
    try {
      await answered(redis);
    } catch (error) {
      redis.disconnect();
      const cause = last ?? error;
      throw new QueueError(
        'ERR_QUEUE_UNAVAILABLE',
        `the queue can't be reached: ${cause instanceof Error ? cause.message : String(cause)}`,
        { cause },
      );
    }
    return new QueueConnection(bullmq, redis, prefix, onError);
  }

  get options(): { readonly connection: Redis; readonly prefix: string } {
    return { connection: this.redis, prefix: this.prefix };
  }

  /** A key of ours, which no queue of BullMQ has. */
  key(name: string): string {
    return `${this.prefix}:-:${name}`;
  }

  /** Its errors are those of the connection, which is made again: they are for the log. */
  watched<T extends { on(event: 'error', listener: (error: Error) => void): unknown }>(emitter: T): T {
    emitter.on('error', this.#onError);
    return emitter;
  }

  async close(): Promise<void> {
    await settledInTime([this.queue.close(), this.flows.close(), this.control.close()]);
    this.redis.disconnect();
  }
}

/** Waits for what is to be closed, but not for longer than that may take: Redis may be away, or have been. */
export async function settledInTime(closing: readonly Promise<unknown>[]): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, CLOSE_MS);
  });
  await Promise.race([Promise.allSettled(closing), late]);
  clearTimeout(timer);
}

async function answered(redis: Redis): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`no answer within ${CONNECT_MS / 1000} s`));
    }, CONNECT_MS);
  });
  const first = redis.connect().then(() => redis.ping());
  first.catch(() => undefined);
  try {
    await Promise.race([first, late]);
  } finally {
    clearTimeout(timer);
  }
}
