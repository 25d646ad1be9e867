/** Whose turn it is: so many at once, and each rendering gets the next place in its turn, however many steps it has. */

interface Waiting {
  readonly start: () => void;
}

/** Those of one rendering, in the order in which they came. */
export class Lane {
  readonly waiting: Waiting[] = [];
}

export class FairQueue {
  readonly #places: number;
  /** Lanes in which somebody waits, the next one first. */
  readonly #lanes: Lane[] = [];
  #running = 0;
  #queued = 0;

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
      if (lane.waiting.push(waiting) === 1) this.#lanes.push(lane);
      this.#queued++;
      this.#next();
    });
  }

  #next(): void {
    while (this.#running < this.#places) {
      const lane = this.#lanes.shift();
      const waiting = lane?.waiting.shift();
      if (lane === undefined || waiting === undefined) return;
      if (lane.waiting.length > 0) this.#lanes.push(lane);
      this.#running++;
      this.#queued--;
      waiting.start();
    }
  }
}
