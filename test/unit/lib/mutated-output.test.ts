// Whatever a child leaves behind in its result pipe and in the memory of its tables, the host makes a result of it.
import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import t from 'tap';
import { Random } from '../../helpers/arrow/mutate.js';
import { hostReads, mutatedOutput, randomOutput, type ChildOutput } from '../../helpers/mutated-output.js';

t.test('what has not been mutated is a result', async (t) => {
  const random = new Random(1);
  const statuses = new Set<string>();
  for (let i = 0; i < 300; i++) statuses.add((await hostReads(randomOutput(random))).status);
  t.strictSame([...statuses].sort(), ['badOutput', 'limitExceeded', 'ok', 'outOfMemory', 'threw']);
});

t.test('mutants of messages, and of tables', async (t) => {
  const random = new Random(2);
  const statuses: Record<string, number> = {};
  for (let i = 0; i < 10_000; i++) {
    const { status } = await hostReads(mutatedOutput(random));
    statuses[status] = (statuses[status] ?? 0) + 1;
    // Mappings of memory are given back by the event loop.
    if (i % 100 === 0) await setImmediate();
  }
  // Mutations that never matter, or always, would show nothing.
  t.ok((statuses.ok ?? 0) > 500, `${statuses.ok} are fine`);
  t.ok((statuses.badOutput ?? 0) > 5_000, `${statuses.badOutput} are not`);
});

t.test('words of them replaced, made smaller when they fail', async (t) => {
  const edits = fc.array(fc.tuple(fc.nat(), fc.integer()), { maxLength: 3 });
  const edit = (bytes: Uint8Array, changes: readonly (readonly [number, number])[]): Uint8Array => {
    const copy = new Uint8Array(bytes);
    const view = new DataView(copy.buffer);
    if (copy.length < 4) return copy;
    for (const [at, value] of changes) view.setInt32(at % (copy.length - 3), value);
    return copy;
  };
  const output = fc.record({ seed: fc.nat(), frame: edits, memory: edits });
  await fc.assert(
    fc.asyncProperty(output, async ({ seed, frame, memory }) => {
      const original: ChildOutput = randomOutput(new Random(seed));
      await hostReads({ frame: edit(original.frame, frame), memory: edit(original.memory, memory) });
      await setImmediate();
    }),
    { numRuns: 2_000, seed: 13 },
  );
  t.pass('all of them');
});
