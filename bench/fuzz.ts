/** What fuzzers have in common: a thread that works, and one that tells when it hangs. */
import path from 'node:path';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';

export interface FuzzJob {
  readonly iterations: number;
  readonly seed: number;
  /** More files to start from. */
  readonly folder: string | undefined;
}

export interface FuzzReport {
  readonly failed: number;
  readonly [count: string]: unknown;
}

const HANG_MS = 20_000;
const DEFAULT_ITERATIONS = '100000';

/**
 * Runs in both threads of a script whose arguments are `[iterations] [seed] [folder]`.
 *
 * @param work is told to say at which iteration it is
 */
export async function fuzz(
  script: string,
  work: (job: FuzzJob, at: (iteration: number) => void) => FuzzReport | Promise<FuzzReport>,
): Promise<void> {
  if (!isMainThread) {
    const { progress, ...job } = workerData as FuzzJob & { progress: Int32Array<SharedArrayBuffer> };
    parentPort?.postMessage(await work(job, (iteration) => void Atomics.store(progress, 0, iteration)));
    return;
  }
  const [iterations = DEFAULT_ITERATIONS, seed = '1', folder] = process.argv.slice(2);
  const job: FuzzJob = { iterations: Number(iterations), seed: Number(seed), folder };
  const progress = new Int32Array(new SharedArrayBuffer(4));
  const start = process.hrtime.bigint();
  const worker = new Worker(new URL(script), { workerData: { ...job, progress } });
  let last = -1;
  let peak = 0;
  const watch = setInterval(() => {
    const now = Atomics.load(progress, 0);
    peak = Math.max(peak, process.memoryUsage.rss());
    if (now === last) {
      console.error(`Hangs at iteration ${now}`);
      process.exit(1);
    }
    last = now;
  }, HANG_MS);
  const report = await new Promise<FuzzReport>((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  clearInterval(watch);
  peak = Math.max(peak, process.memoryUsage.rss());
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;
  const { iterations: count, seed: from } = job;
  console.log({ fuzzer: path.basename(script), iterations: count, seed: from, node: process.version, seconds, peakRssMb: peak / 2 ** 20, ...report });
  process.exitCode = report.failed === 0 ? 0 : 1;
} // prettier-ignore
