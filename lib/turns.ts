/**
 * Long work in the host's main thread, in turns: whoever else waits for the event loop is held up by one of them at most,
 * however much such work there is.
 */
import type { Steps } from '../protocol/steps.js';

/** How long one turn may take, in milliseconds. */
const TURN_MS = 5;

const waiting: (() => void)[] = [];

function serveOne(): void {
  waiting.shift()?.();
  // In the next turn of the event loop, since it is asked for in this one.
  if (waiting.length > 0) setImmediate(serveOne);
}

/** Resolves when all that was waiting has had its turn. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    if (waiting.push(resolve) === 1) setImmediate(serveOne);
  });
}

/** Says when a turn is over. */
export class Turn {
  #since = performance.now();

  /** To be called between two steps of the work. Resolves at once, or when it is our turn again. */
  async next(): Promise<void> {
    if (!this.isOver) return;
    await nextTurn();
    this.#since = performance.now();
  }

  get isOver(): boolean {
    return performance.now() - this.#since >= TURN_MS;
  }
}

export async function inTurns<T>(steps: Steps<T>): Promise<T> {
  const turn = new Turn();
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
    if (turn.isOver) await turn.next();
  }
}
