/** How many steps of one tenant are begun in a time, by all workers together. */
import type { RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import { loadPackage, type QueueConnection } from './connection.js';

export interface CheckedTenantLimit {
  readonly steps: number;
  readonly perMs: number;
}

export class TenantLimit {
  readonly #limiter: RateLimiterRedis;

  private constructor(limiter: RateLimiterRedis) {
    this.#limiter = limiter;
  }

  /** @throws {QueueError} `ERR_QUEUE_PACKAGE` */
  static async open(connection: QueueConnection, { steps, perMs }: CheckedTenantLimit): Promise<TenantLimit> {
    const { RateLimiterRedis: Limiter } = await loadPackage(
      'rate-limiter-flexible',
      () => import('rate-limiter-flexible'),
    );
    return new TenantLimit(
      new Limiter({
        storeClient: connection.redis,
        keyPrefix: connection.key('limit'),
        points: steps,
        duration: perMs / 1_000,
      }),
    );
  }

  /** @returns how long it has to wait, in milliseconds, and to ask again then; 0 if it may begin */
  async take(tenant: string): Promise<number> {
    try {
      await this.#limiter.consume(tenant);
      return 0;
    } catch (refused) {
      // It throws what is no error where there are no points left.
      if (refused instanceof Error) throw refused;
      return Math.max(1, (refused as RateLimiterRes).msBeforeNext);
    }
  }
}
