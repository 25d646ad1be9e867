import * as flechette from '@uwdata/flechette';
import type { Table } from 'apache-arrow';

/** Everything that apache-arrow tells of a table, as text. It uses nothing outside of itself: children run its source. */
export function describeTable(table: Table): string {
  const show = (value: unknown): string => {
    if (value === null) return 'null';
    if (typeof value === 'bigint') return `${value}n`;
    if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value);
    if (value instanceof Date) return `Date ${value.getTime()}`;
    if (ArrayBuffer.isView(value)) {
      const array = value as Uint8Array;
      return `${Object.prototype.toString.call(value)} ${Array.from(array, show).join(' ')}`;
    }
    if (typeof value !== 'object') return JSON.stringify(value);
    // Vectors, rows, maps.
    const parts = Array.from(value as Iterable<unknown>, (part) =>
      Array.isArray(part) ? part.map(show).join(': ') : show(part),
    );
    return `[${parts.join(', ')}]`;
  };
  // It has no order.
  const metadata = (map: Map<string, string>): string => JSON.stringify([...map].sort());
  const lines = [`${table.numRows} rows in ${table.batches.length} batches ${metadata(table.schema.metadata)}`];
  for (const [index, field] of table.schema.fields.entries()) {
    const column = table.getChildAt(index);
    if (column === null) throw new Error(`no column ${index}`);
    const { name, nullable } = field;
    const type = (field.type as { toString(): string }).toString();
    lines.push(`${name}: ${type}${nullable ? ' or null' : ''} ${metadata(field.metadata)}, ${column.nullCount} nulls`);
    for (let row = 0; row < table.numRows; row++) lines.push(show(column.get(row)));
  }
  return lines.join('\n');
} // prettier-ignore

/** The values alone, as an implementation reads them that has no code in common with apache-arrow. */
export function describeByFlechette(bytes: Uint8Array): string {
  const table = flechette.tableFromIPC(bytes, { useBigInt: true, useDecimalInt: true, useMap: true });
  const columns = table.schema.fields.map(({ name }, index) => [name, table.getChildAt(index).toArray()]);
  return JSON.stringify(columns, (_, value: unknown) => {
    if (typeof value === 'bigint') return `${value}n`;
    if (value instanceof Map) return [...(value as Map<unknown, unknown>)];
    if (ArrayBuffer.isView(value)) return Array.from(value as Uint8Array, (part) => (Number.isNaN(part) ? 'NaN' : part));
    return value;
  });
} // prettier-ignore
