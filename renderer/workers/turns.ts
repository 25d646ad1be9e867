/**
 * Whose turn it is among tenants. The priority of each step is a turn (BullMQ takes the smallest first): those of one tenant have
 * one turn after the other, and the first of them is never before the turn that workers have come to. So a tenant with a
 * thousand steps in the queue delays the first step of another one by no more than what is being run.
 *
 * This is start-time fair queuing (Goyal, Vin, Cheng 1996), in steps and not in seconds.
 */
import type { Redis } from 'ioredis';

/** The largest priority of BullMQ. What would be behind it waits in the order of arrival, until the queue was empty once. */
const LAST_TURN = 2_097_151;

const NOW = 'now';
const tenantField = (tenant: string): string => `of:${tenant}`;

/** In one go: many take turns at once. */
const TAKE = `
local now = tonumber(redis.call('HGET', KEYS[1], ARGV[1]) or '1')
local last = tonumber(redis.call('HGET', KEYS[1], ARGV[2]) or '0')
local first = math.max(now, last + 1)
redis.call('HSET', KEYS[1], ARGV[2], first + ARGV[3] - 1)
return first`;

export class Turns {
  readonly #redis: Redis;
  readonly #key: string;

  constructor(redis: Redis, key: string) {
    this.#redis = redis;
    this.#key = key;
  }

  /** @returns the first of so many turns in a row; `bounded()` makes priorities of them */
  async take(tenant: string, count: number): Promise<number> {
    return Number(await this.#redis.eval(TAKE, 1, this.#key, NOW, tenantField(tenant), count));
  }

  /** A step of this turn is being run. */
  async began(turn: number): Promise<void> {
    await this.#redis.hset(this.#key, NOW, turn);
  }

  /** Nobody waits: all begin anew. */
  async clear(): Promise<void> {
    await this.#redis.del(this.#key);
  }
}

export function bounded(turn: number): number {
  return Math.min(turn, LAST_TURN);
}
