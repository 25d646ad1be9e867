/** What several want at once is done once, and goes on as long as one of them still wants it. */

interface Flight<T> {
  readonly result: Promise<T>;
  readonly abort: AbortController;
  waiting: number;
}

export class Flights<T> {
  readonly #flights = new Map<string, Flight<T>>();
  readonly #hold: (value: T) => void;
  readonly #release: (value: T) => void;

  /** @param hold for each that gets the value, besides the hold that `start` gives; that one is released at the end */
  constructor(hold: (value: T) => void = () => undefined, release: (value: T) => void = () => undefined) {
    this.#hold = hold;
    this.#release = release;
  }

  /** @throws the reason of the signal, at once; what `start` throws */
  async join(key: string, signal: AbortSignal, start: (signal: AbortSignal) => Promise<T>): Promise<T> {
    signal.throwIfAborted();
    const flight = this.#flights.get(key) ?? this.#begin(key, start);
    flight.waiting++;
    try {
      const value = await unlessAborted(flight.result, signal);
      this.#hold(value);
      return value;
    } finally {
      if (--flight.waiting === 0) this.#end(key, flight);
    }
  }

  #begin(key: string, start: (signal: AbortSignal) => Promise<T>): Flight<T> {
    const abort = new AbortController();
    const flight = { result: start(abort.signal), abort, waiting: 0 };
    this.#flights.set(key, flight);
    return flight;
  }

  #end(key: string, { result, abort }: Flight<T>): void {
    this.#flights.delete(key);
    abort.abort();
    result.then(this.#release, () => undefined);
  }
}

/** @throws the reason of the signal */
export async function unlessAborted<T>(pending: Promise<T>, signal: AbortSignal): Promise<T> {
  let onAbort: (() => void) | undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    onAbort = () => {
      reject(signal.reason as Error);
    };
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([pending, aborted]);
  } finally {
    if (onAbort !== undefined) signal.removeEventListener('abort', onAbort);
  }
}
