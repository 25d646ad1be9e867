/** Cores that are shared equally by whoever has work to do, none of whom can use more than one. */

interface Task {
  /** What everybody has been given when this one has all it needs; or the time, if it only waits. */
  readonly until: number;
  readonly onDone: () => void;
}

export class Processor {
  readonly #cores: number;
  /** Who ends first comes first. */
  readonly #tasks: Task[] = [];
  readonly #waiting: Task[] = [];
  /** How much work each that was there all the time would have been given. */
  #given = 0;
  #now = 0;

  constructor(cores: number) {
    this.#cores = cores;
  }

  get now(): number {
    return this.#now;
  }

  get isFull(): boolean {
    return this.#tasks.length >= this.#cores;
  }

  /** @param work in milliseconds, on a core of its own */
  start(work: number, onDone: () => void): void {
    insert(this.#tasks, { until: this.#given + work, onDone });
  }

  /** Waits for something that isn't a core. */
  wait(ms: number, onDone: () => void): void {
    insert(this.#waiting, { until: this.#now + ms, onDone });
  }

  /** Goes on until then; what is done by then may start something. */
  runUntil(time: number): void {
    while (this.#step(time));
    if (time === Infinity) return;
    this.#pass(time);
  }

  /** Goes on until nothing is left to do. */
  finish(): void {
    this.runUntil(Infinity);
  }

  get #speed(): number {
    return Math.min(1, this.#cores / this.#tasks.length);
  }

  #pass(time: number): void {
    if (this.#tasks.length > 0) this.#given += (time - this.#now) * this.#speed;
    this.#now = time;
  }

  /** The next that ends, if it does by then. */
  #step(time: number): boolean {
    const [task] = this.#tasks;
    const [waiting] = this.#waiting;
    const end = task === undefined ? Infinity : this.#now + (task.until - this.#given) / this.#speed;
    const isTask = end <= (waiting?.until ?? Infinity);
    const next = isTask ? task : waiting;
    const at = isTask ? end : (waiting?.until ?? Infinity);
    if (next === undefined || at > time) return false;
    this.#pass(at);
    if (isTask) this.#given = next.until;
    (isTask ? this.#tasks : this.#waiting).shift();
    next.onDone();
    return true;
  }
}

/** Behind those that end before it, or with it. */
function insert(tasks: Task[], task: Task): void {
  const after = tasks.findIndex(({ until }) => until > task.until);
  tasks.splice(after < 0 ? tasks.length : after, 0, task);
}
