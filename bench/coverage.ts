/** Which blocks of code have been run, as V8 counts them: what a fuzzer is guided by. */
import { Session, type Profiler } from 'node:inspector';

/** How often a block was run, as far as it matters: once, twice, up to four, eight, … times. */
function bucket(count: number): number {
  return Math.ceil(Math.log2(count));
}

export class Coverage {
  readonly #session = new Session();
  readonly #files: string;
  readonly #seen = new Set<string>();

  /** @param files what the addresses of the modules that count have in them */
  constructor(files: string) {
    this.#files = files;
    this.#session.connect();
    this.#session.post('Profiler.enable');
    this.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  }

  /** Blocks that have been seen, each as often as there are buckets of its counts. */
  get size(): number {
    return this.#seen.size;
  }

  /** Takes what has been run since the last time. Returns whether there was something new in it. */
  take(): boolean {
    const before = this.#seen.size;
    for (const { url, scriptId, functions } of this.#counts()) {
      if (!url.includes(this.#files)) continue;
      for (const { ranges } of functions) {
        for (const { startOffset, endOffset, count } of ranges)
          if (count > 0) this.#seen.add(`${scriptId} ${startOffset} ${endOffset} ${bucket(count)}`);
      }
    }
    return this.#seen.size > before;
  }

  #counts(): Profiler.ScriptCoverage[] {
    let result: Profiler.ScriptCoverage[] = [];
    // A session of one's own thread answers at once.
    this.#session.post('Profiler.takePreciseCoverage', (error, taken) => {
      if (error !== null) throw error;
      ({ result } = taken);
    });
    return result;
  }
}
