/**
 * Whose turn it is among tenants. The priority of each step is a turn (BullMQ takes the smallest first): those of one tenant have
 * one turn after the other, and the first of them is at most so many before the turn that workers have come to. So a tenant with a
 * thousand steps in the queue delays the first steps of another one by no more than what is being run, and one who has had
 * fewer turns of late goes first.
 *
 * This is start-time fair queuing (Goyal, Vin, Cheng 1996), in steps and not in seconds, with a head start for those who come back:
 * without one, a tenant that wants a few steps has to wait twice as long for them as it would alone, for every other turn.
 *
 * Which of a tenant's steps has which of its turns is for precedence.ts, by their ranks.
 */
import type { Redis } from 'ioredis';
import { LARGEST_PRIORITY, STEPS_PER_LEVEL } from '../priority.js';

/** What would be behind it waits in the order of arrival, until the queue was empty once. */
const LAST_TURN = LARGEST_PRIORITY;

/** How many turns who has not used them lately may have before others. Each tenant can delay others by as many steps. */
export const HEAD_START = 16;

const NOW = 'now';
const tenantField = (tenant: string): string => `of:${tenant}`;
const levelField = (tenant: string): string => `level:${tenant}`;

/** In one go: many take turns at once. */
const TAKE = `
local now = tonumber(redis.call('HGET', KEYS[1], ARGV[1]) or '1')
local last = tonumber(redis.call('HGET', KEYS[1], ARGV[2]) or '0')
local most = tonumber(redis.call('HGET', KEYS[1], ARGV[3]) or '0')
local first = math.max(now - ARGV[6], last + 1)
local level = now + ARGV[5]
redis.call('HSET', KEYS[1], ARGV[2], first + ARGV[4] - 1, ARGV[3], math.max(most, level))
return {first, level, level < most and 1 or 0}`;

/** What was begun before is tried again later. */
const BEGAN = `
if tonumber(redis.call('HGET', KEYS[1], ARGV[1]) or '0') < tonumber(ARGV[2]) then
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
end`;

/** Somebody may have come since a worker has found nothing. */
const CLEAR = `
for index = 2, #KEYS do
  if redis.call('ZCARD', KEYS[index]) > 0 then return end
end
redis.call('DEL', KEYS[1])`;

/** Of one step. */
export interface Slot {
  /** Its tenant's, as a priority of BullMQ. */
  readonly turn: number;
  /**
   * Among those of its tenant the smaller goes first: by the turn that workers had come to when it was added, and so many for each
   * level of its priority; then by its own. Since the turn that workers have come to grows, none waits for ever.
   */
  readonly rank: number;
}

export interface Taken {
  readonly slots: readonly Slot[];
  /** Whether others of the tenant may have earlier turns that go after these. */
  readonly overtakes: boolean;
}

export class Turns {
  readonly #redis: Redis;
  readonly #key: string;

  constructor(redis: Redis, key: string) {
    this.#redis = redis;
    this.#key = key;
  }

  /** So many in a row. */
  async take(tenant: string, count: number, priority: number): Promise<Taken> {
    const values = [
      NOW,
      tenantField(tenant),
      levelField(tenant),
      count,
      STEPS_PER_LEVEL * priority,
      HEAD_START,
    ];
    const [first, level, overtakes] = (await this.#redis.eval(TAKE, 1, this.#key, ...values)) as [
      number,
      number,
      number,
    ];
    const slots = Array.from({ length: count }, (_, nth) => {
      const turn = Math.min(first + nth, LAST_TURN);
      return { turn, rank: level * (LAST_TURN + 1) + turn };
    });
    return { slots, overtakes: overtakes === 1 };
  }

  /** A step of this turn is being run. */
  async began(turn: number): Promise<void> {
    await this.#redis.eval(BEGAN, 1, this.#key, NOW, turn);
  }

  /** If nobody waits, all begin anew. @param waiting keys of the sets of those that do */
  async clear(waiting: readonly string[]): Promise<void> {
    await this.#redis.eval(CLEAR, 1 + waiting.length, this.#key, ...waiting);
  }
}
