/**
 * How long is it from spawn() to the first line of the user's code, and to the result of a small piece of work; for
 * nodespawner, for a plain `node` child that loads the same module, and for the kernel itself?
 *
 *   npm run bench -- [--spawns N] [--plain N] [--nodes] [--only 20,24] [--trace] [--preload MODULE]... [--json FILE]
 *
 *   --spawns N   how often nodespawner is measured (500); --plain N: how often plain node (100)
 *   --nodes      on each version in test/nodes, and not only on the Node that runs this; --only: on some of them
 *   --trace      where the time of one call goes, from time stamps on both sides
 *   --preload M  a module that the zygote loads besides apache-arrow, such as one that warms it up
 *   --json FILE  keeps every single measurement
 */
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ROWS } from './contestants.js';
import { describe } from './machine.js';
import type { measure, Measured, Plan } from './measure.js';
import { onNode } from './on-node.js';
import { heading, report } from './report.js';
import { reportTrace } from './report-trace.js';
import type { Trace, trace } from './trace.js';

const { values } = parseArgs({
  options: {
    spawns: { type: 'string', default: '500' },
    plain: { type: 'string', default: '100' },
    nodes: { type: 'boolean', default: false },
    only: { type: 'string' },
    trace: { type: 'boolean', default: false },
    preload: { type: 'string', multiple: true, default: [] },
    json: { type: 'string' },
  },
});

function number(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1)
    throw new Error(`--${name} ${text}: a positive number is needed`);
  return value;
}

function nodes(): string[] {
  if (!values.nodes && values.only === undefined) return [process.execPath];
  const folder = fileURLToPath(new URL('../../test/nodes/node_modules', import.meta.url));
  const wanted = values.only?.split(',');
  const found = (existsSync(folder) ? readdirSync(folder) : [])
    .filter((name) => name.startsWith('node-'))
    .filter((name) => wanted === undefined || wanted.includes(name.slice('node-'.length)))
    .map((name) => path.join(folder, name, 'bin/node'));
  if (found.length === 0) throw new Error(`No Node in ${folder}: run node scripts/setup.mjs build nodes`);
  return found;
}

const plan: Plan = {
  spawns: number('spawns', values.spawns),
  plainSpawns: number('plain', values.plain),
  warmUp: 20,
  preload: values.preload.map((name) => (name.startsWith('.') ? path.resolve(name) : name)),
};
const machine = describe();
console.log(`${heading(machine, plan)}
First line: from spawn() to the first line with apache-arrow usable. Round trip: the sum of a column of a table of
${ROWS} rows that is given as bytes, text back, and the process gone. Parked: a child was cloned ahead of demand; on
demand: there is no pool.`);

const measured: (Measured & { trace?: Trace })[] = [];
for (const execPath of nodes()) {
  const result = await onNode<Awaited<ReturnType<typeof measure>>>(execPath, './measure.js', 'measure', plan);
  console.log(`\n${report(result)}`);
  if (!values.trace) {
    measured.push(result);
    continue;
  }
  const traced = await onNode<Awaited<ReturnType<typeof trace>>>(execPath, './trace.js', 'trace', plan);
  console.log(`\n${reportTrace(traced)}`);
  measured.push({ ...result, trace: traced });
}
if (values.json !== undefined)
  writeFileSync(values.json, `${JSON.stringify({ ...machine, plan, measured }, null, 1)}\n`);
