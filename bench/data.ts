/**
 * What does it cost to hand data over: time against size, memory of many children on one table, validation, and the event loop; beside
 * copying through a pipe to a plain `node`, and by structuredClone to a worker thread?
 *
 *   npm run bench:data -- [--rounds N] [--size BYTES] [--children N] [--only handover,sizes,sharing,validation,loop] [--json FILE]
 *
 *   --rounds N    how often each thing is measured (20); what copies a table of 256 MB and more a tenth of that
 *   --size N      of the largest table, in bytes (1 GB, which takes 6 GB of memory)
 *   --children N  how many children read one table at the most (20)
 *   --json FILE   keeps every single measurement
 */
import { writeFileSync } from 'node:fs';
import os from 'node:os';
import { parseArgs } from 'node:util';
import { measureHandover, reportHandover } from './data/handover.js';
import { measureLoop, reportLoop } from './data/loop.js';
import { measureSizes, reportSizes } from './data/sizes.js';
import { measureSharing, reportSharing } from './data/sharing.js';
import { DEFAULT_VALIDATION_BYTES, measureValidation, reportValidation } from './data/validation.js';
import { describe } from './machine.js';

const PARTS = ['handover', 'sizes', 'sharing', 'validation', 'loop'];
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '20' },
    size: { type: 'string', default: String(2 ** 30) },
    children: { type: 'string', default: '20' },
    only: { type: 'string', default: PARTS.join(',') },
    json: { type: 'string' },
  },
});

function number(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new Error(`--${name} ${text}: a positive number is needed`);
  return value;
} // prettier-ignore

const rounds = number('rounds', values.rounds);
const largest = 8 * Math.ceil(number('size', values.size) / 8);
const most = number('children', values.children);
const parts = values.only.split(',');
const unknown = parts.find((part) => !PARTS.includes(part));
if (unknown !== undefined) throw new Error(`--only ${unknown}: it is one of ${PARTS.join(', ')}`);

const load = (): string => (os.loadavg()[0] ?? NaN).toFixed(1);
const machine = describe();
const { cpu, cores, memoryGb, kernel, system, commit, date, command } = machine;
console.log(`${machine.machine}: ${cores} cores of ${cpu}, ${memoryGb} GB, ${system}, kernel ${kernel}
commit ${commit}, ${date}, Node ${process.version}: ${command}`);

const raw: Record<string, unknown> = { ...machine, node: process.version };
let starts = 0;
if (parts.includes('handover')) {
  console.log(`\nFrom the call until the first value of the table is read, in milliseconds, and until the caller has the sum of all.
Contestants take turns. Load before: ${load()}\n`);
  const sizes = [2 ** 10, 2 ** 15, 2 ** 20, 2 ** 25, 2 ** 28]
    .filter((size) => size < largest)
    .concat(largest);
  const { handovers, starts: calls } = await measureHandover({ sizes, rounds }, (done) => {
    console.log(`${reportHandover(done)}\n`);
  });
  starts += calls;
  raw.handovers = handovers;
}
if (parts.includes('sizes')) {
  console.log(`\nFrom the call to the first line of the code, to the first value read, and to the result, in milliseconds, beside the smallest
table. Sizes take turns. Load before: ${load()}\n`);
  const sizes = [2 ** 10, 2 ** 20, 2 ** 24, 2 ** 26, 2 ** 28]
    .filter((size) => size < largest)
    .concat(largest);
  const measured = await measureSizes({ sizes, rounds });
  console.log(reportSizes(measured.sizes));
  starts += measured.starts;
  raw.sizes = measured.sizes;
}
if (parts.includes('sharing')) {
  console.log(`\nMemory of children that have read the whole of one table, in MB, together. Added: beyond what as many children take
with a table of 1 KB, and beyond the table itself, which is there once. Load before: ${load()}\n`);
  const children = [1, 5, 10].filter((count) => count < most).concat(most);
  const { sharings, starts: spawned } = await measureSharing({ size: largest, children });
  console.log(reportSharing(sharings));
  starts += spawned;
  raw.sharings = sharings;
}
if (parts.includes('validation')) {
  console.log(`\nvalidateArrow, beside adding up the same bytes, opening the table, and getting each of its values; p50 where
nothing is said. Load before: ${load()}\n`);
  const validations = measureValidation(rounds, Math.min(DEFAULT_VALIDATION_BYTES, largest));
  console.log(reportValidation(validations));
  raw.validations = validations;
}
if (parts.includes('loop')) {
  console.log(
    `\nThe longest that the event loop of the host was held up while a child gave its result, in milliseconds. Load before: ${load()}\n`,
  );
  const sizes = [2 ** 20, 2 ** 25, 2 ** 28].filter((size) => size < largest).concat(largest);
  const { loops, starts: calls } = await measureLoop({ sizes, rounds });
  console.log(reportLoop(loops));
  starts += calls;
  raw.loops = loops;
}
console.log(
  `\n${starts} calls in all, those that don't count among them; each gave what it should. Load after: ${load()}`,
);
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify({ ...raw, starts }, null, 1)}\n`);
