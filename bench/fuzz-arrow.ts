/**
 * Mutates Arrow files of every type and checks that validateArrow refuses them or that apache-arrow reads them whole.
 *
 *     node dist/bench/fuzz-arrow.js [iterations] [seed] [folder with more files to start from]
 *
 * Mutants that were accepted are mutated further. The same arguments give the same
 * mutants. What fails is written to the current folder. A thread of its own does the work, and the main one tells
 * when it hangs.
 */
import fs from 'node:fs';
import path from 'node:path';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { samples } from '../test/helpers/arrow/corpus.js';
import { mutate, Random } from '../test/helpers/arrow/mutate.js';
import { probe } from '../test/helpers/arrow/probe.js';

interface Job {
  readonly iterations: number;
  readonly seed: number;
  readonly folder: string | undefined;
  /** The iteration that is under way. */
  readonly progress: Int32Array<SharedArrayBuffer>;
}

/** Larger files are mutated elsewhere than where it matters. */
const MAX_SEED_BYTES = 32_768;
const MAX_POOL = 4000;
const HANG_MS = 20_000;

function seeds(folder: string | undefined): Uint8Array[] {
  const found = samples().map(({ bytes }) => bytes);
  if (folder === undefined) return found;
  const names = fs.readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
  for (const name of names) {
    const file = path.join(folder, name);
    const { size } = fs.statSync(file);
    if (!fs.statSync(file).isFile() || size < 8 || size > MAX_SEED_BYTES || /\.(gz|json|md)$/.test(name))
      continue;
    found.push(new Uint8Array(fs.readFileSync(file)));
  }
  return found;
}

function work({ iterations, seed, folder, progress }: Job): void {
  const pool = seeds(folder);
  const random = new Random(seed);
  const reasons = new Map<string, number>();
  let accepted = 0;
  let failed = 0;
  for (let i = 0; i < iterations; i++) {
    Atomics.store(progress, 0, i);
    const mutant = mutate(random.pick(pool), random, random.pick(pool));
    try {
      const refusal = probe(mutant);
      if (refusal === undefined) {
        accepted++;
        if (mutant.length <= MAX_SEED_BYTES) {
          if (pool.length < MAX_POOL) pool.push(mutant);
          else pool[random.below(pool.length)] = mutant;
        }
      } else {
        reasons.set(refusal.reason, (reasons.get(refusal.reason) ?? 0) + 1);
      }
    } catch (error) {
      failed++;
      const file = `fuzz-arrow-${seed}-${i}.arrow`;
      fs.writeFileSync(file, mutant);
      console.error(file, error);
    }
  }
  parentPort?.postMessage({ accepted, failed, reasons: Object.fromEntries(reasons) });
}

async function supervise(job: Job): Promise<void> {
  const start = process.hrtime.bigint();
  const worker = new Worker(new URL(import.meta.url), { workerData: job });
  let last = -1;
  let peak = 0;
  const watch = setInterval(() => {
    const now = Atomics.load(job.progress, 0);
    peak = Math.max(peak, process.memoryUsage.rss());
    if (now === last) {
      console.error(`Hangs at iteration ${now}`);
      process.exit(1);
    }
    last = now;
  }, HANG_MS);
  const report = await new Promise<{ failed: number }>((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  clearInterval(watch);
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;
  console.log({ iterations: job.iterations, seed: job.seed, seconds, peakRssMb: peak / 2 ** 20, ...report });
  process.exitCode = report.failed === 0 ? 0 : 1;
}

if (isMainThread) {
  const [iterations = '100000', seed = '1', folder] = process.argv.slice(2);
  await supervise({
    iterations: Number(iterations),
    seed: Number(seed),
    folder,
    progress: new Int32Array(new SharedArrayBuffer(4)),
  });
} else {
  work(workerData as Job);
}
