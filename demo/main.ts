/**
 * Runs steps over a real table, good ones and bad ones, and shows what becomes of each.
 *
 *   npm run demo        exit code 0 if each outcome was what it should be
 */
import { readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { tableFromIPC, type Table } from 'apache-arrow';
import { Zygote, type Result } from '../lib/index.js';
import { chart } from './chart.js';
import { FLIGHTS } from './flights.js';
import { msUntilStamp, now, plainNode, STAMP } from './first-line.js';
import { steps, type Step } from './steps.js';
import { median, ms, paint } from './terminal.js';

const here = fileURLToPath(new URL('.', import.meta.url));

interface Run {
  readonly result: Result;
  /** From spawn() to the first line of the step, in milliseconds. */
  readonly startMs: number | undefined;
}

async function runStep(zygote: Zygote, step: Step, flights: Uint8Array): Promise<Run> {
  const code = STAMP + readFileSync(path.join(here, 'steps', step.file), 'utf8');
  const since = now();
  const child = await zygote.spawn(
    code,
    { tables: { flights } },
    {
      filename: step.file,
      timeoutMs: step.timeoutMs ?? 20_000,
      stdin: 'ignore',
      stdout: 'capture',
      stderr: 'capture',
    },
  );
  const result = await child.result;
  return { result, startMs: msUntilStamp(since, result.stderr?.text ?? '') };
}

function line(
  mark: string,
  title: string,
  status: string,
  start: string,
  plain: string,
  what: string,
): string {
  return `${mark} ${title.padEnd(22)} ${status.padEnd(11)} ${start.padStart(8)} ${plain.padStart(11)}   ${what}`;
}

const bytes = readFileSync(FLIGHTS);
const { numRows, numCols } = tableFromIPC(bytes);
console.log(`
${paint('bold', 'nodespawner')}: Node ${process.version}, Linux ${os.release()}, ${os.cpus()[0]?.model ?? 'CPU'}

table   ${path.basename(FLIGHTS)} of vega-datasets: ${numRows.toLocaleString('en')} rows, ${numCols} columns, ${(bytes.byteLength / 1e6).toFixed(1)} MB`);

const since = now();
await using zygote = await Zygote.start({
  preload: ['apache-arrow'],
  from: import.meta.url,
  // So that a step that allocates without end comes to an end soon.
  execArgv: ['--max-old-space-size=96'],
});
console.log(`zygote  apache-arrow loaded, ready to clone after ${ms(Number(now() - since) / 1e6)}

${paint('dim', line(' ', 'step', 'outcome', 'start', 'plain node', ''))}`);

const starts: number[] = [];
const plainStarts: number[] = [];
let byHour: Table | undefined;
for (const step of steps(numRows)) {
  const plainMs = await plainNode('apache-arrow', here);
  const { result, startMs } = await runStep(zygote, step, bytes);
  const described = step.describe(result);
  const asExpected = described !== undefined && startMs !== undefined;
  if (!asExpected) process.exitCode = 1;
  const mark = asExpected ? paint('green', '✓') : paint('red', '✗');
  const what =
    described ?? `not what it should be: ${JSON.stringify({ ...result, usage: undefined }).slice(0, 2000)}`;
  console.log(line(mark, step.title, result.status, ms(startMs), ms(plainMs), what));
  if (startMs !== undefined) starts.push(startMs);
  plainStarts.push(plainMs);
  if (result.status === 'ok') byHour ??= result.tables.byHour;
}

if (byHour !== undefined)
  console.log(`\nmean delay by hour of departure, in minutes\n${chart(byHour).join('\n')}`);
console.log(`
start: from spawn() to the first line of the step's own code, apache-arrow loaded. Median ${ms(median(starts))};
a plain node that loads apache-arrow took ${ms(median(plainStarts))}, ${(median(plainStarts) / median(starts)).toFixed(0)} times as long.`);
