/** The reports of steps. */
import type { PlainValue } from '../lib/index.js';
import type { StepNode } from './plan.js';
import { HeldTable } from './step-table.js';
import type { StepOutcome } from './step.js';
import type { Message, StepReport } from './types.js';

/** What the calls of a step came to, apart from its outcome. */
export type Details = Pick<StepReport, 'cached' | 'ms' | 'calls' | 'stdout' | 'stderr'>;

export const NOTHING_RUN: Details = { cached: false, ms: 0, calls: [], stdout: '', stderr: '' };

export function nameOf({ step, tab }: StepNode): { readonly step: string; readonly tab: string } {
  return { step: step.id, tab: tab.id };
}

function baseOf(node: StepNode, details: Details, warnings: readonly Message[] = []) {
  return { ...nameOf(node), warnings, errors: [], ...details };
}

export function errorReport(
  node: StepNode,
  errors: readonly Message[],
  details: Details,
  warnings: readonly Message[] = [],
  value: PlainValue = null,
): StepReport {
  return { ...baseOf(node, details, warnings), errors, status: 'error', value };
}

export function canceledReport(node: StepNode, details: Details): StepReport {
  return { ...baseOf(node, details), status: 'canceled' };
}

export function unreachableReport(node: StepNode, because: readonly string[]): StepReport {
  return { ...baseOf(node, NOTHING_RUN), status: 'unreachable', because };
}

export function toReport(node: StepNode, outcome: StepOutcome, details: Details): StepReport {
  const { warnings, value } = outcome;
  if (outcome.errors !== undefined) return errorReport(node, outcome.errors, details, warnings, value);
  const { kept, stored } = outcome;
  if (kept.table === undefined) throw new Error('a table of which nothing is known');
  return {
    ...baseOf(node, details, warnings),
    status: 'ok',
    value,
    table: new HeldTable(kept.table, stored),
  };
}

/** Lets go of its table. */
export function disposeOf(report: StepReport): void {
  if (report.status === 'ok' && Symbol.dispose in report.table)
    (report.table as unknown as Disposable)[Symbol.dispose]();
}
