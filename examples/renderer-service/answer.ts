/** What the page is told of a report. */
import type { Table } from 'apache-arrow';
import type { Message, Report } from '../../renderer/index.js';

/** More than fit on a screen; the rest stays where it is. */
const SHOWN_ROWS = 50;

export interface Answer {
  readonly status: 'ok' | 'error' | 'unreachable' | 'canceled';
  readonly ms: number;
  readonly cached: boolean;
  readonly errors: readonly Message[];
  readonly warnings: readonly Message[];
  readonly stdout: string;
  readonly stderr: string;
  readonly table?: {
    readonly numRows: number;
    readonly columns: readonly { readonly name: string; readonly type: string }[];
    /** The first ones, as text. */
    readonly rows: readonly (readonly string[])[];
  };
}

function rowsOf(table: Table): string[][] {
  const columns = table.schema.fields.map((_, index) => table.getChildAt(index));
  return Array.from({ length: Math.min(table.numRows, SHOWN_ROWS) }, (_, row) =>
    columns.map((column) => {
      const value = column?.get(row) as { toString(): string } | null | undefined;
      return value?.toString() ?? '';
    }),
  );
}

export async function answerOf(report: Report): Promise<Answer> {
  const [step] = report.steps;
  if (step === undefined) throw new Error('there is one step in each workflow');
  const { status, ms, cached, errors, warnings, stdout, stderr } = step;
  const answer = { status, ms, cached, errors, warnings, stdout, stderr };
  if (step.status !== 'ok') return answer;
  const { numRows, columns } = step.table;
  return { ...answer, table: { numRows, columns, rows: rowsOf(await step.table.read()) } };
}
