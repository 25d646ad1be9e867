/**
 * As fuzz-arrow.ts, but guided by coverage: mutants that bring the validator to blocks of its code that no other came to, or
 * more often than any other, are mutated further.
 *
 *     node dist/bench/fuzz-guided.js [iterations] [seed] [folder with more files to start from]
 *
 * What fails is written to the current folder.
 */
import fs from 'node:fs';
import { mutate, Random } from '../test/helpers/arrow/mutate.js';
import { probe } from '../test/helpers/arrow/probe.js';
import { Coverage } from './coverage.js';
import { fuzz, type FuzzJob, type FuzzReport } from './fuzz.js';
import { MAX_SEED_BYTES, seeds } from './fuzz-seeds.js';

/** Mutants of what was found last are more likely to lead on. */
const RECENT = 50;

function work({ iterations, seed, folder }: FuzzJob, at: (iteration: number) => void): FuzzReport {
  const pool = seeds(folder);
  const random = new Random(seed);
  const coverage = new Coverage('/lib/arrow/');
  const counts = { accepted: 0, failed: 0, kept: 0 };
  const check = (bytes: Uint8Array, name: string): void => {
    try {
      if (probe(bytes) === undefined) counts.accepted++;
    } catch (error) {
      counts.failed++;
      fs.writeFileSync(name, bytes);
      console.error(name, error);
    }
  };
  for (const [index, bytes] of pool.entries()) {
    check(bytes, `fuzz-guided-sample-${index}.arrow`);
    coverage.take();
  }
  const blocksOfSeeds = coverage.size;
  for (let i = 0; i < iterations; i++) {
    at(i);
    const from = random.below(2) === 0 ? pool : pool.slice(-RECENT);
    const mutant = mutate(random.pick(from), random, random.pick(pool));
    check(mutant, `fuzz-guided-${seed}-${i}.arrow`);
    if (coverage.take() && mutant.length <= MAX_SEED_BYTES) {
      counts.kept++;
      pool.push(mutant);
    }
  }
  return { ...counts, blocksOfSeeds, blocks: coverage.size };
}

await fuzz(import.meta.url, work);
