/**
 * How many calls can so many cores do, and how large has a pool to be? Measures a model on the cores that are here, checks a
 * simulation of the pool against real calls, and asks both about machines that are not here. See docs/scaling.md.
 *
 *   npm run bench:scaling -- [options]
 *
 *   --live 1,10        how many children are parked (1,10,50,100,250,500)
 *   --calls N          how often each is measured then (40)
 *   --windows N        how often the rate is measured on each number of cores (4), one second each, in two turns
 *   --seconds N        how long each case of the check lasts (6)
 *   --only 24          the version of Node, in test/nodes
 *   --json FILE        keeps everything
 */
import { writeFileSync } from 'node:fs';
import os from 'node:os';
import { parseArgs } from 'node:util';
import { describe } from './machine.js';
import { findNodes } from './nodes.js';
import { onNode } from './on-node.js';
import { count } from './options.js';
import { heading } from './report/heading.js';
import { reportCheck, reportCores, reportFleet, reportForecast, reportLive } from './report/scaling.js';
import { checkCase, workShareOf, type Case, type Checked, type Measured } from './scaling/check.js';
import { merged, type CoreFigures, type onCores } from './scaling/cores.js';
import { fleet, forecast } from './scaling/forecast.js';
import type { LiveFigures, withLive } from './scaling/live.js';
import { fit, rateOn } from './scaling/model.js';
import type { onDemandCalls, runPool } from './scaling/pool-run.js';
import { median } from './statistics.js';

const WINDOW_MS = 1000;
/** Numbers of cores take turns, so often. */
const CORE_TURNS = 2;
const MANY_CORES = 64;
const FLEET_RATES = [1000, 10_000, 100_000];
const POOLS = [1, 4, 16];
const BURSTS = [1, 4];
/** Parts of what all cores can do. */
const BUSY = [0.25, 0.5];

const { values } = parseArgs({
  options: {
    live: { type: 'string', default: '1,10,50,100,250,500' },
    calls: { type: 'string', default: '40' },
    windows: { type: 'string', default: '4' },
    seconds: { type: 'string', default: '6' },
    only: { type: 'string' },
    json: { type: 'string' },
  },
});
const [calls, windows, seconds] = [
  count('calls', values.calls),
  count('windows', values.windows),
  count('seconds', values.seconds),
];
const live = values.live.split(',').map((text) => count('live', text));
const [execPath = ''] = findNodes(values.only?.split(','));
const say = (text: string): void => {
  console.log(`${text}\n`);
};
const machine = describe();
const here = os.availableParallelism();
say(heading(machine));

const runs: CoreFigures[] = [];
const numbers = here === 1 ? [1] : [1, here];
for (let turn = 0; turn < CORE_TURNS; turn++) {
  for (const number of numbers) {
    const args = [number, windows, WINDOW_MS] satisfies Parameters<typeof onCores>;
    runs.push(
      await onNode<Awaited<ReturnType<typeof onCores>>>(execPath, './scaling/cores.js', 'onCores', ...args),
    );
  }
}
const cores = numbers.map((number) => merged(runs.filter((run) => run.cores === number)));
say(reportCores(cores));

const alive: LiveFigures[] = [];
for (const children of live) {
  const args = [children, calls] satisfies Parameters<typeof withLive>;
  alive.push(
    await onNode<Awaited<ReturnType<typeof withLive>>>(execPath, './scaling/live.js', 'withLive', ...args),
  );
}
say(reportLive(alive));

const module = './scaling/pool-run.js';
const onDemandMs = await onNode<Awaited<ReturnType<typeof onDemandCalls>>>(
  execPath,
  module,
  'onDemandCalls',
  calls,
);
const { roundTripMs: parkedMs = [], refillMs = [] } = alive[0] ?? {};
const allCpuMs = ({ hostMs, zygoteMs, childMs }: CoreFigures): number => hostMs + zygoteMs + childMs;
const workShare = workShareOf(median(cores.map(allCpuMs)), parkedMs, refillMs);
const measured: Measured = { parkedMs, onDemandMs, refillMs, workShare };
say(`A core works for ${(100 * workShare).toFixed(0)} % of the time of a call and of its refill.`);
const model = fit(cores.map(({ cores, perSecond }) => ({ cores, perSecond: median(perSecond) })));
/** What calls would be if they never waited for anybody: load on the machine matters less to it. */
const cpuModel = fit(
  cores.map((figures) => ({ cores: figures.cores, perSecond: (1000 * figures.cores) / allCpuMs(figures) })),
);
const cases: Case[] = BURSTS.flatMap((burst) =>
  BUSY.flatMap((busy) => POOLS.map((pool) => ({ pool, burst, perSecond: busy * rateOn(model, here) }))),
);
const checked: Checked[] = [];
for (const one of cases) {
  checked.push(
    await checkCase(one, here, measured, seconds * 1000, (...args) =>
      onNode<Awaited<ReturnType<typeof runPool>>>(execPath, module, 'runPool', ...args),
    ),
  );
}
say(reportCheck(checked));

const expected = [
  { from: 'calls per second', model },
  { from: 'CPU time', model: cpuModel },
].map(({ from, model }) => ({
  from,
  model,
  forecasts: forecast(model, measured, MANY_CORES),
  fleets: FLEET_RATES.map((perSecond) => fleet(model, MANY_CORES, perSecond)),
}));
for (const { from, model, forecasts, fleets } of expected) {
  say(reportForecast(from, model, forecasts));
  say(reportFleet(from, MANY_CORES, fleets));
}
const loadAfter = os.loadavg();
console.log(`load ${loadAfter.map((load) => load.toFixed(1)).join(' ')} after`);
const all = { ...machine, loadAfter, cores, alive, measured, checked, expected };
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(all, null, 1)}\n`);
