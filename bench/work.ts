/** The work that all contestants do: the sum of a column of a small table that is given as bytes. */
import { tableFromArrays, tableToIPC } from 'apache-arrow';

export const ROWS = 1000;
/** Of the column that is summed. */
export const VALUES = Float64Array.from({ length: ROWS }, (_, i) => i * 1.5);
const SUM = VALUES.reduce((sum, value) => sum + value, 0);

/** An Arrow IPC file. */
export const TABLE_BYTES = tableToIPC(
  tableFromArrays({ id: Int32Array.from(VALUES.keys()), value: VALUES }),
  'file',
);

/** Source text: sum(table), as text. */
export const SUM_OF_TABLE = `
function sum(table) {
  let sum = 0;
  for (const value of table.getChild('value').toArray()) sum += value;
  return String(sum);
}`;

export function checkSum(found: string): void {
  if (found !== String(SUM)) throw new Error(`The sum should be ${SUM}, but is '${found}'`);
}

/** CLOCK_MONOTONIC in nanoseconds, which all processes share. */
export const now = (): bigint => process.hrtime.bigint();
