/**
 * Which of a tenant's steps has the next of its turns: the most urgent one. Turns are given in the order of arrival (turns.ts), and
 * a worker that takes a step looks whether a better one of the same tenant waits behind it. If so, the two change turns. What
 * other tenants get is the same then, whatever the priorities of this one are.
 *
 * Kept are only those that may be better than one before them; whoever has but one priority has none. It is an index of what
 * BullMQ has, and is checked against that: if it is lost, steps have the turns in which they came.
 */
import type { Job } from 'bullmq';
import type { QueueConnection } from './connection.js';
import type { StepJob } from './job-data.js';

/** After so long without a new one, a tenant's index is forgotten, in seconds. */
const KEPT_SECONDS = 7 * 24 * 3_600;

/** Of those that can't be begun now, such as what waits for its tenant's limit, so many are looked at. */
const MOST_LOOKED_AT = 1_000;

/**
 * In one go: of two workers each finds another. BullMQ's score has the priority in its upper bits (getPriorityScore of its
 * scripts). What is over or was removed is forgotten here.
 */
const SWAP = `
local index, prioritized = KEYS[1], KEYS[2]
local id, rank, turn, prefix, most = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5]
for _, other in ipairs(redis.call('ZRANGEBYSCORE', index, '-inf', '(' .. rank, 'LIMIT', 0, most)) do
  local score = redis.call('ZSCORE', prioritized, other)
  if score then
    local its = math.floor(tonumber(score) / 0x100000000)
    if its >= turn then
      redis.call('ZREM', index, other)
      redis.call('ZADD', index, rank, id)
      return {other, its}
    end
  elseif redis.call('EXISTS', prefix .. other) == 0 or redis.call('HEXISTS', prefix .. other, 'finishedOn') == 1 then
    redis.call('ZREM', index, other)
  end
end
return false`;

export class Precedence {
  readonly #connection: QueueConnection;

  constructor(connection: QueueConnection) {
    this.#connection = connection;
  }

  /** These are in the queue, and may be more urgent than what is before them. */
  async add(tenant: string, steps: readonly { readonly id: string; readonly rank: number }[]): Promise<void> {
    if (steps.length === 0) return;
    const members = steps.flatMap(({ id, rank }) => [rank, id]);
    const key = this.#keyOf(tenant);
    await this.#connection.redis
      .multi()
      .zadd(key, ...members)
      .expire(key, KEPT_SECONDS)
      .exec();
  }

  /**
   * If a more urgent step of its tenant waits, that one gets the turn of this step, which is active, and this step the other's.
   *
   * @returns whether it is to wait for its new turn
   */
  async yields(job: Job, { tenant, rank }: Pick<StepJob, 'tenant' | 'rank'>): Promise<boolean> {
    const { redis, queue } = this.#connection;
    const keys = [this.#keyOf(tenant), queue.toKey('prioritized')];
    const values = [job.id ?? '', rank, job.priority, queue.toKey(''), MOST_LOOKED_AT];
    const found = (await redis.eval(SWAP, keys.length, ...keys, ...values)) as [string, number] | null;
    if (found === null) return false;
    const [id, turn] = found;
    const other = (await queue.getJob(id)) as Job | undefined;
    if (other === undefined) return false;
    await other.changePriority({ priority: job.priority, lifo: true });
    await job.changePriority({ priority: turn });
    return true;
  }

  /** It is being run, and has no turn to change any more. */
  async began(job: Job, tenant: string): Promise<void> {
    await this.#connection.redis.zrem(this.#keyOf(tenant), job.id ?? '');
  }

  #keyOf(tenant: string): string {
    return this.#connection.key(`waiting:${tenant}`);
  }
}
