// Whatever bytes come, validateArrow returns or throws an InvalidArrowError, and what it accepts is read whole.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import t from 'tap';
import { samples } from '../../helpers/arrow/corpus.js';
import { mutate, Random } from '../../helpers/arrow/mutate.js';
import { probe } from '../../helpers/arrow/probe.js';

const seeds = samples().map(({ bytes }) => bytes);

/** What a fuzzer found failing once, under the name of what was wrong. New ones go there as they are. */
const onceFailed = fileURLToPath(new URL('../../../../test/corpus/arrow/', import.meta.url));

t.test('mutants that failed once', (t) => {
  const files = readdirSync(onceFailed);
  t.ok(files.length >= 3, `${files.length} of them`);
  for (const file of files) {
    t.doesNotThrow(() => probe(new Uint8Array(readFileSync(join(onceFailed, file)))), file);
  }
  t.end();
});

t.test('mutants of files of every type', (t) => {
  const random = new Random(4);
  let accepted = 0;
  let refused = 0;
  for (let i = 0; i < 30_000; i++) {
    const mutant = mutate(random.pick(seeds), random, random.pick(seeds));
    try {
      if (probe(mutant) === undefined) accepted++;
      else refused++;
    } catch (error) {
      t.error(error, `mutant ${i}: ${Buffer.from(mutant).toString('base64')}`);
      break;
    }
  }
  // Mutations that never matter, or always, would show nothing.
  t.ok(accepted > 300, `${accepted} accepted`);
  t.ok(refused > 20_000, `${refused} refused`);
  t.end();
});

t.test('files with some of their words replaced, made smaller when they fail', (t) => {
  const mutant = fc
    .record({
      sample: fc.integer({ min: 0, max: seeds.length - 1 }),
      edits: fc.array(fc.tuple(fc.nat(), fc.integer()), { minLength: 1, maxLength: 4 }),
    })
    .map(({ sample, edits }) => {
      const bytes = (seeds[sample] ?? new Uint8Array(8)).slice();
      const view = new DataView(bytes.buffer);
      for (const [at, value] of edits) view.setInt32((at % Math.floor(bytes.length / 4)) * 4, value, true);
      return bytes;
    });
  fc.assert(
    fc.property(mutant, (bytes) => {
      probe(bytes);
    }),
    { numRuns: 3000, seed: 11 },
  );
  t.pass('all of them');
  t.end();
});

t.test('bytes out of nowhere', (t) => {
  const prefix = fc.constantFrom([], [...Buffer.from('ARROW1\0\0')], [255, 255, 255, 255, 16, 0, 0, 0]);
  fc.assert(
    fc.property(prefix, fc.uint8Array({ maxLength: 200 }), (start, rest) => {
      probe(Uint8Array.from([...start, ...rest]));
    }),
    { numRuns: 2000, seed: 12 },
  );
  t.pass('all of them');
  t.end();
});
