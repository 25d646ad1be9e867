/**
 * Mutates Arrow files of every type and checks that validateArrow refuses them or that apache-arrow reads them whole.
 *
 *     node dist/bench/fuzz-arrow.js [iterations] [seed] [folder with more files to start from]
 *
 * Mutants that were accepted are mutated further. The same arguments give the same mutants. What fails is written to the
 * current folder.
 */
import fs from 'node:fs';
import { mutate, Random } from '../test/helpers/arrow/mutate.js';
import { probe } from '../test/helpers/arrow/probe.js';
import { fuzz, type FuzzJob, type FuzzReport } from './fuzz.js';
import { MAX_SEED_BYTES, seeds } from './fuzz-seeds.js';

const MAX_POOL = 4000;

function work({ iterations, seed, folder }: FuzzJob, at: (iteration: number) => void): FuzzReport {
  const pool = seeds(folder);
  const random = new Random(seed);
  const reasons = new Map<string, number>();
  let accepted = 0;
  let failed = 0;
  for (let i = 0; i < iterations; i++) {
    at(i);
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
  return { accepted, failed, reasons: Object.fromEntries(reasons) };
}

await fuzz(import.meta.url, work);
