/**
 * How near is a confined child to a function call, in time and memory, and where does it go?
 *
 *   npm run bench -- [options]
 *
 *   --parts A,B        latency, start, layers, idle, tables, throughput, memory (all of them)
 *   --peers            also what a user could take instead; installs it in bench/peers/
 *   --spawns N         how often nodespawner is measured (1000); a fifth of it for each size of table, each layer, beside
 *                      peers and with --trace
 *   --plain N          how often what takes longer: a plain node, the start of a zygote, idleness, most peers (50)
 *   --windows N        how often each rate is measured (5), --window-ms N: for how long (1000)
 *   --table-mb N       the largest table (1024)
 *   --children 1,2,4   how many parked children memory is measured of (1,2,4,8,16,32)
 *   --only 20,24       on these versions of Node in test/nodes (24); own: the one that runs this; --nodes: on each
 *   --trace            where the time of one call goes, from time stamps on both sides
 *   --preload MODULE   a module that the zygote loads besides apache-arrow, such as one that warms it up
 *   --html FILE        a page of charts and tables; --svg FILE: a chart of round trips, for the README
 *   --json FILE        keeps every single measurement, with the machine and the command
 */
import { writeFileSync } from 'node:fs';
import os from 'node:os';
import { writeCharts } from './charts/write.js';
import { describe } from './machine.js';
import { measure } from './measure.js';
import type { Measured, Run } from './measured.js';
import { findNodes } from './nodes.js';
import { readOptions } from './options.js';
import { installPeers } from './peers/install.js';
import { heading } from './report/heading.js';
import { reportTargets } from './report/targets.js';
import { targets } from './targets.js';

const { plan, nodes, trace, json, charts } = readOptions(process.argv.slice(2));
const machine = describe();
const said: string[] = [];
const say = (text: string): void => {
  said.push(text);
  console.log(`${text}\n`);
};
say(heading(machine));
if (plan.parts.includes('peers')) installPeers(say);
const measured: Measured[] = [];
for (const execPath of findNodes(nodes)) {
  const found = await measure(execPath, plan, trace, say);
  const wanted = targets(found);
  if (wanted.length > 0) say(reportTargets(wanted));
  measured.push(found);
}
const run: Run = { ...machine, plan, measured, loadAfter: os.loadavg() };
console.log(`load ${run.loadAfter.map((load) => load.toFixed(1)).join(' ')} after`);
if (json !== undefined) writeFileSync(json, `${JSON.stringify(run, null, 1)}\n`);
await writeCharts(run, said, charts);
