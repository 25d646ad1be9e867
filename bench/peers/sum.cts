/** As SUM_OF_TABLE in work.ts, for steps that are files. */
import type { Table } from 'apache-arrow';

export function sumOf(table: Table): string {
  let sum = 0;
  for (const value of table.getChild('value')?.toArray() as Float64Array) sum += value;
  return String(sum);
}
