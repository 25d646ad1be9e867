/** All that steps are run with in this process: queue, caches, zygotes. */
import { Flights } from './store/flights.js';
import { CacheFolder } from './cache-folder.js';
import { Children, type Confined } from './children.js';
import type { CheckedConfinement, CheckedRendererOptions } from './options.js';
import { FairQueue } from './queue.js';
import { ResultCache } from './result-cache.js';
import type { Workshop } from './step.js';
import { TableExchange } from './store/table-exchange.js';
import { TableFiles } from './table-files.js';
import { TableStore } from './table-store.js';
import { Telemetry } from './telemetry.js';
import type { RendererStats } from './types.js';
import { ZygoteSource } from './zygotes.js';

export class OpenWorkshop implements AsyncDisposable {
  readonly workshop: Workshop;
  readonly telemetry: Telemetry;
  readonly #queue: FairQueue;

  private constructor(
    options: CheckedRendererOptions,
    folder: CacheFolder | undefined,
    renderings: () => number,
  ) {
    this.#queue = new FairQueue(options.maxChildren);
    this.telemetry = new Telemetry(options.logger, () => ({
      ...this.statsOf(renderings()),
      parked: this.#zygotes.reduce((sum, { parked }) => sum + parked, 0),
    }));
    const memory = new TableStore(options.maxMemoryBytes);
    const files = folder && new TableFiles(folder, this.telemetry);
    const { store } = options;
    const tables = new TableExchange({ memory, files, store }, this.telemetry);
    const steps = confined(options.steps);
    this.workshop = {
      children: new Children(this.#queue, this.telemetry),
      cache: new ResultCache(tables, { folder, store }, this.telemetry),
      store: memory,
      tables,
      steps,
      fetch: options.fetch === undefined ? steps : confined(options.fetch),
      validations: new Flights(),
    };
  }

  /**
   * With the zygote that most steps need; that of `fetch`, if it has its own, is started when it is needed unless it is eager.
   *
   * @param renderings how many there are, for the metrics
   * @throws {ZygoteStartError}; what making the folder of the cache fails with
   */
  static async start(options: CheckedRendererOptions, renderings: () => number): Promise<OpenWorkshop> {
    const { cache } = options;
    const folder = cache && (await CacheFolder.open(cache.dir, cache.maxBytes));
    const open = new OpenWorkshop(options, folder, renderings);
    const { steps, fetch } = open.workshop;
    try {
      await Promise.all([
        // Its many files are read now: where tables have taken all descriptors, importing it would fail, and so ever after.
        import('apache-arrow').catch(() => undefined),
        steps.zygotes.get(),
        steps.zygotes.environment,
        options.isFetchEager ? fetch.zygotes.get() : undefined,
      ]);
    } catch (error) {
      await open.close();
      throw error;
    }
    return open;
  }

  get #zygotes(): readonly ZygoteSource[] {
    const { steps, fetch } = this.workshop;
    return steps === fetch ? [steps.zygotes] : [steps.zygotes, fetch.zygotes];
  }

  statsOf(renderings: number): RendererStats {
    const { children, store, cache } = this.workshop;
    return {
      renderings,
      children: { running: this.#queue.running, queued: this.#queue.queued, spawned: children.spawned },
      tables: {
        handedOverBytes: children.handedOverBytes,
        copiedBytes: store.copiedBytes,
        memoryBytes: store.memoryBytes,
      },
      cache: cache.stats,
    };
  }

  /** Writes what is to be kept, and ends the zygotes. */
  async close(): Promise<void> {
    await this.workshop.cache.flush();
    await Promise.all(this.#zygotes.map((zygotes) => zygotes.close()));
    this.workshop.store.clear();
    this.telemetry.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

function confined({ zygote, limits }: CheckedConfinement): Confined {
  return { zygotes: new ZygoteSource(zygote), limits };
}
