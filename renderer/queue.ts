/**
 * Whose turn it is: so many at once, the most urgent renderings first, and of those each gets the next place in its turn, however many
 * steps it has.
 */
import { STEPS_PER_LEVEL } from './priority.js';

interface Waiting {
  readonly start: () => void;
}

/** Those of one rendering, in the order in which they came. */
export class Lane {
  readonly waiting: Waiting[] = [];
  /** The smaller, the sooner. */
  readonly priority: number;
  /** How many had begun when it came to wait, or was last served. */
  since = 0;

  constructor(priority = 0) {
    this.priority = priority;
  }
}

export class FairQueue {
  readonly #places: number;
  /** Lanes in which somebody waits, the next one first. */
  readonly #lanes: Lane[] = [];
  #running = 0;
  #queued = 0;
  #begun = 0;

  constructor(places: number) {
    this.#places = places;
  }

  get running(): number {
    return this.#running;
  }

  get queued(): number {
    return this.#queued;
  }

  /**
   * Waits for a place, runs the task, and gives the place to the next.
   *
   * @throws the reason of the signal, if it is aborted before it is the task's turn
   */
  async run<T>(lane: Lane, signal: AbortSignal, task: () => Promise<T>): Promise<T> {
    await this.#enter(lane, signal);
    try {
      return await task();
    } finally {
      this.#running--;
      this.#next();
    }
  }

  #enter(lane: Lane, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        const index = lane.waiting.indexOf(waiting);
        lane.waiting.splice(index, 1);
        if (lane.waiting.length === 0) this.#lanes.splice(this.#lanes.indexOf(lane), 1);
        this.#queued--;
        reject(signal.reason as Error);
      };
      const waiting = {
        start: (): void => {
          signal.removeEventListener('abort', onAbort);
          resolve();
        },
      };
      signal.addEventListener('abort', onAbort, { once: true });
      if (lane.waiting.push(waiting) === 1) this.#line(lane);
      this.#queued++;
      this.#next();
    });
  }

  /** Behind all others. */
  #line(lane: Lane): void {
    lane.since = this.#begun;
    this.#lanes.push(lane);
  }

  /** Of those that are most urgent, the one that has waited longest. */
  #takeBest(): Lane | undefined {
    let best = 0;
    for (let at = 0, least = Infinity; at < this.#lanes.length && least > 0; at++) {
      const level = this.#levelOf(this.#lanes[at]);
      if (level >= least) continue;
      best = at;
      least = level;
    }
    return this.#lanes.splice(best, 1)[0];
  }

  /** Its priority, and a better one the more others have begun since. */
  #levelOf(lane: Lane | undefined): number {
    if (lane === undefined) return Infinity;
    return Math.max(0, lane.priority - Math.floor((this.#begun - lane.since) / STEPS_PER_LEVEL));
  }

  #next(): void {
    while (this.#running < this.#places) {
      const lane = this.#takeBest();
      const waiting = lane?.waiting.shift();
      if (lane === undefined || waiting === undefined) return;
      this.#begun++;
      if (lane.waiting.length > 0) this.#line(lane);
      this.#running++;
      this.#queued--;
      waiting.start();
    }
  }
}
