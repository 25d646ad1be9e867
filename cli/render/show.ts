/** What becomes of a workflow, for people. */
import type { Message, Report, Step, StepReport, Workflow } from '../../renderer/index.js';
import { printable, printableLine } from '../printable.js';
import { sizeText } from '../tables/people.js';
import type { Paint } from '../terminal.js';
import { showMs } from '../units.js';

const MARKS = { ok: '✓', error: '✗', unreachable: '-', canceled: '-' } as const;
const STYLES = { ok: 'green', error: 'red', unreachable: 'dim', canceled: 'dim' } as const;

const indented = (text: string, by: string): string[] =>
  printable(text)
    .trimEnd()
    .split('\n')
    .map((line) => by + line);

/** So much of a line is shown, in UTF-16 units. */
const WIDEST_LINE = 500;

/** The line of the source, and where in it. */
function excerpt({ place }: Message, { code }: Step): string[] {
  if (place === undefined) return [];
  const line = code.split('\n')[place.line - 1];
  if (line === undefined) return [];
  const number = String(place.line).padStart(5);
  const cut = line.length > WIDEST_LINE ? `${line.slice(0, WIDEST_LINE)}…` : line.trimEnd();
  const shown = `    ${number} | ${printableLine(cut.replaceAll('\t', ' '))}`;
  return place.column === 0 || place.column > Math.min(line.length, WIDEST_LINE) + 1
    ? [shown]
    : [shown, `          | ${' '.repeat(place.column - 1)}^`];
}

/** An error or a warning of a step, with the line of the source. */
export function messageLines(
  message: Message,
  step: Step,
  kind: 'error' | 'warning',
  paint: Paint,
  isVerbose: boolean,
): string[] {
  const { code, text, place, path, stack } = message;
  const where =
    place === undefined ? '' : `${place.file}:${place.line}${place.column === 0 ? '' : `:${place.column}`}: `;
  const at = path === undefined || path === '' ? '' : `params.${path}: `;
  const head = `    ${paint(kind === 'error' ? 'red' : 'yellow', kind)} ${printableLine(`${where}${at}${text}`)}`;
  return [
    code === 'reported' || kind === 'warning' ? head : `${head} ${paint('dim', `(${code})`)}`,
    ...excerpt(message, step).map((line) => paint('dim', line)),
    ...(isVerbose && stack !== undefined ? indented(stack, '      ') : []),
  ];
}

function outcome(report: StepReport): string {
  switch (report.status) {
    case 'ok':
      return sizeText(report.table.numRows, report.table.columns.length);
    case 'unreachable':
      return `needs ${report.because.join(', ')}`;
    default:
      return report.status;
  }
}

/** The line of a step that is done, and below it what it has said and what is wrong. */
export function stepLines(
  report: StepReport,
  workflow: Workflow,
  paint: Paint,
  isVerbose: boolean,
): string[] {
  const { status, tab, warnings, errors, stdout, stderr, ms, cached } = report;
  const step = workflow.tabs.flatMap(({ steps }) => steps).find(({ id }) => id === report.step);
  if (step === undefined) return [];
  const time = status === 'ok' || status === 'error' ? (cached ? 'cached' : showMs(ms)) : '';
  const name = printableLine(`${tab} › ${report.step}`);
  return [
    `${paint(STYLES[status], MARKS[status])} ${name}  ${outcome(report)}  ${paint('dim', time)}`.trimEnd(),
    ...errors.flatMap((message) => messageLines(message, step, 'error', paint, isVerbose)),
    ...warnings.flatMap((message) => messageLines(message, step, 'warning', paint, isVerbose)),
    ...(stdout === '' ? [] : indented(stdout, `    ${paint('dim', 'stdout |')} `)),
    ...(stderr === '' ? [] : indented(stderr, `    ${paint('dim', 'stderr |')} `)),
  ];
}

export function summaryLine({ status, steps, ms }: Report, paint: Paint): string {
  const count = (which: StepReport['status']): number => steps.filter((step) => step.status === which).length;
  const parts = (['ok', 'error', 'unreachable', 'canceled'] as const)
    .filter((which) => count(which) > 0)
    .map((which) => `${count(which)} ${which}`);
  return `${paint(status === 'ok' ? 'green' : 'red', status)}: ${parts.join(', ') || 'no steps'}, ${showMs(ms)}`;
}
