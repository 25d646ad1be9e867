/**
 * Renders a workflow over a real table, next to steps that are buggy or hostile; then one of its steps is edited.
 *
 *   npm run demo        exit code 0 if each outcome was what it should be
 */
import { readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { tableFromIPC } from 'apache-arrow';
import { loadWorkflow } from '../cli/render/workflow-file.js';
import { paintOut as paint } from '../cli/terminal.js';
import { showMs } from '../cli/units.js';
import { Renderer, type Report, type StepReport, type Workflow } from '../renderer/index.js';
import { chart } from './chart.js';
import { FLIGHTS } from './flights.js';
import { describe } from './outcomes.js';
import { plainNode } from './plain-node.js';

const here = fileURLToPath(new URL('.', import.meta.url));
const PLAIN_STARTS = 5;

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return ((sorted[(sorted.length - 1) >> 1] ?? NaN) + (sorted[sorted.length >> 1] ?? NaN)) / 2;
}

/** What its children took, without the time in which they waited for their turn. */
function timeOf({ calls }: StepReport): number {
  return calls.reduce((sum, { usage }) => sum + usage.wallMs, 0);
}

function show(report: StepReport): void {
  const described = describe(report);
  if (described === undefined) process.exitCode = 1;
  const [mark, style] = described === undefined ? (['✗', 'red'] as const) : (['✓', 'green'] as const);
  const outcome = report.status === 'error' ? (report.errors[0]?.code ?? 'error') : report.status;
  const time = report.cached ? 'known' : showMs(timeOf(report));
  const what = described ?? `not what it should be: ${JSON.stringify(report).slice(0, 2000)}`;
  console.log(
    `${paint(style, mark)} ${report.step.padEnd(14)} ${outcome.padEnd(11)} ${time.padStart(9)}   ${what}`,
  );
}

async function render(renderer: Renderer, workflow: Workflow): Promise<Report> {
  const rendering = renderer.render(workflow, { inputs: { flights: { path: FLIGHTS } } });
  for await (const event of rendering) if (event.type === 'done') show(event.report);
  return rendering;
}

const good = await loadWorkflow(path.join(here, 'flights.yaml'));
const hostile = await loadWorkflow(path.join(here, 'hostile.yaml'));
const workflow: Workflow = { ...good, tabs: [...good.tabs, ...hostile.tabs] };

const bytes = readFileSync(FLIGHTS);
const { numRows, numCols } = tableFromIPC(bytes);
console.log(`
${paint('bold', 'nodespawner')}: Node ${process.version}, Linux ${os.release()}, ${os.cpus()[0]?.model ?? 'CPU'}

table     ${path.basename(FLIGHTS)} of vega-datasets: ${numRows.toLocaleString('en')} rows, ${numCols} columns, ${(bytes.byteLength / 1e6).toFixed(1)} MB`);

const since = performance.now();
await using renderer = await Renderer.start({
  preload: ['apache-arrow', 'arquero'],
  from: import.meta.url,
  limits: { timeoutMs: 5000, memoryBytes: 400e6 },
});
console.log(`renderer  apache-arrow and arquero loaded, ready after ${showMs(performance.now() - since)}

${paint('dim', 'each step in a process of its own, as soon as what it needs is there')}`);

using report = await render(renderer, workflow);
const byHour = await report.tables.byHour?.read();
if (byHour !== undefined)
  console.log(`\nmean delay by hour of departure, in minutes\n${chart(byHour).join('\n')}`);

console.log(`\n${paint('dim', 'the last step of the tab worst is edited: the others are known')}`);
const edited: Workflow = {
  ...good,
  tabs: good.tabs.map((tab) =>
    tab.id === 'worst' ? { ...tab, steps: tab.steps.map((step) => ({ ...step, params: { rows: 5 } })) } : tab,
  ),
};
using again = await render(renderer, edited);
const rendered = again.steps.filter(({ calls }) => calls.some(({ call }) => call === 'render'));
if (rendered.length !== 1 || again.tables.worst?.numRows !== 5) process.exitCode = 1;

const plain: number[] = [];
for (let i = 0; i < PLAIN_STARTS; i++) plain.push(await plainNode(['apache-arrow', 'arquero'], here));
console.log(`
The step that was edited took ${showMs(median(rendered.map(({ ms }) => ms)))}, from its inputs to its table, checked, with its process gone. A plain
node that loads the same modules took ${showMs(median(plain))} to get to its first line.`);
