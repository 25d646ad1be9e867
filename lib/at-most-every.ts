/** Lets something be done at once, but not again before a while has passed; what is asked for meanwhile is done then. */
export class AtMostEvery {
  readonly #ms: number;
  readonly #act: () => void;
  #timer: NodeJS.Timeout | undefined;
  #again = false;

  constructor(ms: number, act: () => void) {
    this.#ms = ms;
    this.#act = act;
  }

  ask(): void {
    if (this.#timer !== undefined) {
      this.#again = true;
      return;
    }
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (!this.#again) return;
      this.#again = false;
      this.ask();
    }, this.#ms);
    this.#timer.unref();
    this.#act();
  }

  end(): void {
    clearTimeout(this.#timer);
  }
}
