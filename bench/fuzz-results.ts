/**
 * Mutates what children leave behind, messages and memory with tables, and checks that the host makes a result of it.
 *
 *     node dist/bench/fuzz-results.js [iterations] [seed]
 *
 * The same arguments give the same mutants. What fails is written to the current folder.
 */
import fs from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { Random } from '../test/helpers/arrow/mutate.js';
import { hostReads, mutatedOutput } from '../test/helpers/mutated-output.js';
import { fuzz, type FuzzJob, type FuzzReport } from './fuzz.js';

/** Memory that is not needed any more is given back by the event loop. */
const BETWEEN_TURNS = 100;

async function work({ iterations, seed }: FuzzJob, at: (iteration: number) => void): Promise<FuzzReport> {
  const random = new Random(seed);
  const statuses: Record<string, number> = {};
  let tables = 0;
  let failed = 0;
  for (let i = 0; i < iterations; i++) {
    at(i);
    if (i % BETWEEN_TURNS === 0) await setImmediate();
    const output = mutatedOutput(random);
    try {
      const result = await hostReads(output);
      statuses[result.status] = (statuses[result.status] ?? 0) + 1;
      if (result.status === 'ok') tables += Object.keys(result.tables).length;
    } catch (error) {
      failed++;
      const file = `fuzz-results-${seed}-${i}`;
      fs.writeFileSync(`${file}.frame`, output.frame);
      fs.writeFileSync(`${file}.memory`, output.memory);
      console.error(file, error);
    }
  }
  return { failed, tables, statuses };
}

await fuzz(import.meta.url, work);
