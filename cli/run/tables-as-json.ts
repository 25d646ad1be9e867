/** Tables as JSON: what they are, and their rows unless they have gone to files. */
import type { Table } from 'apache-arrow';
import { objectsOf } from '../tables/cells.js';
import type { Written } from './outputs.js';

export function tablesAsJson(tables: Readonly<Record<string, Table>>, written: readonly Written[]): object {
  const entries = Object.entries(tables).map(([name, table]) => {
    const columns = table.schema.fields.map((field) => ({ name: field.name, type: String(field.type) }));
    const files = written.filter((output) => output.table === name).map(({ file }) => file);
    const content = files.length > 0 ? { files } : { rows: [...objectsOf(table)] };
    return [name, { numRows: table.numRows, columns, ...content }] as const;
  });
  return Object.fromEntries(entries);
}
