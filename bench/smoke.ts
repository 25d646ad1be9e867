/**
 * Has it become much slower than it was? A few minutes of what main.ts measures, as ratios, against bench/baseline.json;
 * fails where one is more than twice as bad (the first line three times), twice in a row.
 *
 *   npm run bench:smoke -- [options]
 *
 *   --write-baseline   keeps what is found as the baseline of these versions of Node
 *   --baseline FILE    another one than bench/baseline.json
 *   --rounds N         how often each is measured (20)
 *   --only 20,24       on these versions of Node in test/nodes (24); --nodes: on each of them
 */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { describe } from './machine.js';
import type { nodeVersion } from './measured.js';
import { findNodes } from './nodes.js';
import { onNode } from './on-node.js';
import { count } from './options.js';
import { reportSmoke } from './report/smoke.js';
import { entryOf, majorOf, readBaseline, writeBaseline, type Entry } from './smoke/baseline.js';
import { check, RETRY_ROUNDS, type Measure } from './smoke/check.js';
import type { measureRatios } from './smoke/measure.js';
import { RATIO_NAMES } from './smoke/ratios.js';

const { values } = parseArgs({
  options: {
    'write-baseline': { type: 'boolean', default: false },
    baseline: {
      type: 'string',
      default: fileURLToPath(new URL('../../bench/baseline.json', import.meta.url)),
    },
    rounds: { type: 'string', default: '20' },
    only: { type: 'string' },
    nodes: { type: 'boolean', default: false },
  },
});
const rounds = count('rounds', values.rounds);
const isWritten = values['write-baseline'];
const baseline = isWritten && !existsSync(values.baseline) ? {} : readBaseline(values.baseline);
const machine = describe();
const entries: Entry[] = [];
for (const execPath of findNodes(values.nodes ? 'all' : values.only?.split(','))) {
  const { node } = await onNode<ReturnType<typeof nodeVersion>>(execPath, './measured.js', 'nodeVersion');
  const measure: Measure = (...args) =>
    onNode<Awaited<ReturnType<typeof measureRatios>>>(
      execPath,
      './smoke/measure.js',
      'measureRatios',
      ...args,
    );
  if (isWritten) {
    const ratios = await measure(RATIO_NAMES, rounds * RETRY_ROUNDS);
    entries.push(entryOf(node, ratios, machine));
    console.log(`Node ${node}: ${JSON.stringify(ratios)}`);
    continue;
  }
  const verdicts = await check(baseline[majorOf(node)]?.ratios ?? {}, measure, rounds);
  console.log(`Node ${node}\n\n${reportSmoke(verdicts)}\n`);
  if (!verdicts.every(({ isGood }) => isGood)) process.exitCode = 1;
}
if (isWritten) writeBaseline(values.baseline, baseline, entries);
