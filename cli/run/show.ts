/** What a step gave and what became of it, for people and as JSON. */
import { inspect } from 'node:util';
import type { Result } from '../../lib/index.js';
import { note, print, printJson } from '../output.js';
import { printable } from '../printable.js';
import { plainValue } from '../plain-value.js';
import { showTable, sizeOf } from '../tables/people.js';
import { paintErr, paintOut } from '../terminal.js';
import { showBytes, showMs } from '../units.js';
import { explain } from './explain.js';
import type { Written } from './outputs.js';
import { tablesAsJson } from './tables-as-json.js';

export interface Shown {
  readonly result: Result;
  readonly filename: string;
  readonly written: readonly Written[];
  /** How many rows of a table people see. */
  readonly rows: number;
  readonly isVerbose: boolean;
}

/** How it ended, by the names that the library has for it. */
function detailsOf(result: Exclude<Result, { status: 'ok' }>): object {
  switch (result.status) {
    case 'exited':
      return { exitCode: result.exitCode };
    case 'signaled':
      return { signal: result.signal };
    case 'timedOut':
      return { timeoutMs: result.timeoutMs };
    case 'limitExceeded':
      return { limit: result.limit, max: result.max };
    case 'badOutput':
      return { reason: result.reason, path: result.path };
    case 'forbidden':
      return { syscall: result.syscall };
    default:
      return {};
  }
}

export function showAsJson({ result, filename, written }: Shown): void {
  const { status, usage, stdout, stderr } = result;
  const printed = { usage, stdout: stdout?.text ?? '', stderr: stderr?.text ?? '' };
  if (result.status !== 'ok') {
    const error = { message: explain(result, filename), ...(result.status === 'threw' ? result.error : {}) };
    printJson({ status, error, ...detailsOf(result), ...printed });
    return;
  }
  const tables = tablesAsJson(result.tables, written);
  printJson({ status, value: plainValue(result.value), tables, ...printed });
}

/** @returns whether it is ok */
export function showToPeople({ result, filename, written, rows, isVerbose }: Shown): void {
  if (result.status !== 'ok') {
    note(`${paintErr('red', result.status)} ${explain(result, filename)}`);
    if (isVerbose && result.status === 'threw')
      for (const { stack } of [result.error, ...result.error.causes]) note(printable(stack));
  } else {
    const isStdoutTaken = written.some(({ file }) => file === '-');
    const [say, paint] = isStdoutTaken ? [note, paintErr] : [print, paintOut];
    if (result.value !== null) say(printable(inspect(result.value, { depth: 6, colors: false })));
    const width = process.stdout.isTTY ? process.stdout.columns : Infinity;
    for (const [name, table] of Object.entries(result.tables)) {
      if (written.some((output) => output.table === name)) continue;
      say(`${paint('cyan', printable(name))} ${paint('dim', sizeOf(table))}`);
      say(showTable(table, rows, width, paint));
    }
    if (process.stderr.isTTY || isVerbose)
      for (const { table, file, format } of written) {
        const size = result.tables[table];
        if (file !== '-' && size !== undefined) note(`${file}: ${sizeOf(size)}, ${format}`);
      }
  }
  if (isVerbose) {
    const { wallMs, userMs, systemMs, peakMemoryBytes } = result.usage;
    note(`${showMs(wallMs)}, CPU ${showMs(userMs + systemMs)}, peak memory ${showBytes(peakMemoryBytes)}`);
  }
}
