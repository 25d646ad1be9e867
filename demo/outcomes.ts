/** What should become of the steps that are buggy or hostile. */
import type { MessageCode, StepReport } from '../renderer/index.js';

/** At least this much of what prints-noise.mjs prints. */
const NOISE_CHARACTERS = 32 * 1024;

/** The first message of each: its code, and what it has to say. */
const FAILURES: Readonly<Record<string, readonly [MessageCode, RegExp]>> = {
  throws: ['threw', /^TypeError: /],
  'forges-result': ['badOutput', /unknown field/],
  'reads-shadow': ['threw', /^Error: ENOENT/],
  'phones-home': ['threw', /^Error: connect /],
  exits: ['exited', /with code 3/],
  'never-ends': ['timedOut', /took longer than/],
  'eats-memory': ['outOfMemory', /of memory/],
};

/** What there is to say of a step, or undefined if it is not what it should be. */
export function describe(report: StepReport): string | undefined {
  const failure = FAILURES[report.step];
  if (failure === undefined) {
    if (report.status !== 'ok') return undefined;
    const { numRows, columns } = report.table;
    const size = `${numRows.toLocaleString('en')} rows, ${columns.length} columns`;
    if (report.step !== 'prints-noise') return size;
    const printed = report.stdout.length;
    return printed < NOISE_CHARACTERS
      ? undefined
      : `${size}, and ${printed.toLocaleString('en')} characters of noise`;
  }
  const [code, text] = failure;
  const [error] = report.status === 'error' ? report.errors : [];
  if (error?.code !== code || !text.test(error.text)) return undefined;
  const where = error.place === undefined ? '' : ` (${error.place.file}:${error.place.line})`;
  return `${error.text}${where}`;
}
