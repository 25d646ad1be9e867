/** A report as JSON. */
import type { Table } from 'apache-arrow';
import type { Report } from '../../renderer/index.js';
import { plainValue } from '../plain-value.js';
import type { Written } from '../run/outputs.js';
import { tablesAsJson } from '../run/tables-as-json.js';

export function asJson(
  { workflow, status, ms, steps }: Report,
  tables: Readonly<Record<string, Table>>,
  written: readonly Written[],
): object {
  return {
    workflow,
    status,
    ms,
    steps: steps.map((step) => ({
      ...step,
      ...('value' in step ? { value: plainValue(step.value) } : {}),
      ...(step.status === 'ok'
        ? { table: { numRows: step.table.numRows, columns: step.table.columns, hash: step.table.hash } }
        : {}),
    })),
    tables: tablesAsJson(tables, written),
  };
}
