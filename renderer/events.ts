/** What has happened so far, for anybody who iterates over it: from the first event on, whenever they begin. */
export class EventLog<T> implements AsyncIterable<T> {
  readonly #events: T[] = [];
  readonly #waiting = new Set<() => void>();
  #ended: { readonly error?: unknown } | undefined;

  push(event: T): void {
    this.#events.push(event);
    this.#wake();
  }

  /** @param ended with an error, which whoever iterates is thrown after the last event */
  end(ended: { readonly error?: unknown } = {}): void {
    this.#ended = ended;
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    for (let index = 0; ;) {
      const event = this.#events[index];
      if (event !== undefined) {
        index++;
        yield event;
      } else if (this.#ended !== undefined) {
        if ('error' in this.#ended) throw this.#ended.error;
        return;
      } else {
        await new Promise<void>((resolve) => this.#waiting.add(resolve));
      }
    }
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }
}
