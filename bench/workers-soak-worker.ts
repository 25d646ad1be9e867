/** A worker of bench/workers-soak.ts, in a process of its own: it may be killed at any moment, and says what it holds. */
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { openStore, RendererWorker } from '../renderer/index.js';
import { collectGarbage } from '../test/helpers/garbage.js';
import { MARK } from '../test/helpers/zygote.js';
import { fdsOf } from './footprint.js';

export interface WorkerSetup {
  readonly mark: string;
  readonly redis: string;
  /** As `openStore()` takes it. */
  readonly store: string;
  readonly cache: string;
  readonly lockMs: number;
}

/** What a worker says at its end, when it is closed and its process still lives. */
export interface WorkerEnd {
  readonly problems: readonly string[];
  readonly steps: number;
  readonly failed: number;
  /** What the log had that is worse than what was done to it on purpose. */
  readonly failures: readonly string[];
}

const SETTLE_MS = 10_000;

async function settled(look: () => boolean): Promise<boolean> {
  for (const deadline = performance.now() + SETTLE_MS; performance.now() < deadline;) {
    collectGarbage();
    if (look()) return true;
    await pause(20);
  }
  return false;
}

async function main({ mark, redis, store: url, cache, lockMs }: WorkerSetup): Promise<void> {
  const failures: string[] = [];
  const silent = (): void => undefined;
  const store = openStore(url);
  const fds = fdsOf(process.pid);
  const worker = await RendererWorker.start({
    queue: { connection: redis },
    store,
    env: { [MARK]: mark },
    cache: { dir: cache, maxBytes: 4_000_000 },
    limits: { timeoutMs: 5_000, memoryBytes: 256 * 2 ** 20, outputBytes: 2 ** 20 },
    concurrency: 4,
    lockMs,
    logger: {
      debug: silent,
      info: silent,
      warn: silent,
      error: (fields: object, text: string) => {
        const { err } = fields as { readonly err?: unknown };
        failures.push(`${text}: ${err instanceof Error ? err.message : String(err)}`);
      },
    },
  });
  const end = async (): Promise<void> => {
    await worker.close();
    await store.close();
    const problems: string[] = [];
    const { steps, children } = worker.stats;
    if (steps.active > 0 || children.running > 0 || children.queued > 0)
      problems.push(`a worker has ended with ${JSON.stringify({ steps, children })}`);
    if (!(await settled(() => fdsOf(process.pid) <= fds)))
      problems.push(`${fds} descriptors of a worker before, ${fdsOf(process.pid)} after`);
    if (!(await settled(() => !readFileSync('/proc/self/maps', 'utf8').includes('memfd:nodespawner'))))
      problems.push('tables are still mapped in a worker');
    const said: WorkerEnd = { problems, steps: steps.ok + steps.error, failed: steps.failed, failures };
    process.send?.(said);
  };
  process.once('message', () => void end());
  process.send?.('ready');
}

process.once('disconnect', () => process.exit());
await main(JSON.parse(process.argv[2] ?? '') as WorkerSetup);
