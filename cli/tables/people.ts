/** A table as people read it. */
import stringWidth from 'string-width';
import { DataType, type Table } from 'apache-arrow';
import type { Paint } from '../terminal.js';
import { printableLine } from '../printable.js';
import { rowsOf, type ShownCell } from './cells.js';
import { toJson } from '../json.js';

const WIDEST_CELL = 40;

function textOf(cell: ShownCell): string {
  const text = cell === null ? '' : typeof cell === 'object' ? toJson(cell) : String(cell);
  const line = printableLine(text.slice(0, 10 * WIDEST_CELL));
  if (stringWidth(line) <= WIDEST_CELL && text.length <= 10 * WIDEST_CELL) return line;
  let cut = '';
  for (const character of line) {
    if (stringWidth(cut + character) >= WIDEST_CELL) break;
    cut += character;
  }
  return `${cut}…`;
}

const isNumber = (type: DataType): boolean =>
  DataType.isInt(type) || DataType.isFloat(type) || DataType.isDecimal(type);

function pad(text: string, width: number, isRight: boolean): string {
  const blanks = ' '.repeat(Math.max(0, width - stringWidth(text)));
  return isRight ? blanks + text : text + blanks;
}

function firstRows(table: Table, most: number): string[][] {
  const rows: string[][] = [];
  for (const cells of rowsOf(table.slice(0, most))) rows.push(cells.map(textOf));
  return rows;
}

const plural = (count: number, what: string): string =>
  `${count.toLocaleString('en')} ${what}${count === 1 ? '' : 's'}`;

export const sizeText = (rows: number, columns: number): string =>
  `${plural(rows, 'row')}, ${plural(columns, 'column')}`;

export const sizeOf = (table: Table): string => sizeText(table.numRows, table.numCols);

/**
 * @param most rows
 * @param width of the terminal, in characters; columns that don't fit are left out, and it is said
 */
export function showTable(table: Table, most: number, width: number, paint: Paint): string {
  const { fields } = table.schema;
  const rows = firstRows(table, most);
  const columns = fields.map(({ name, type }, index) => {
    const head = textOf(name);
    const kind = textOf(String(type));
    const cells = rows.map((row) => row[index] ?? '');
    const wide = Math.max(...[head, kind, ...cells].map((text) => stringWidth(text)));
    return { head, kind, cells, wide, isRight: isNumber(type as DataType) };
  });
  let left = width;
  const shown = columns.filter(({ wide }, index) => (left -= wide + 2) >= -2 || index === 0);
  const line = (cells: readonly string[]): string =>
    cells
      .map((text, index) => pad(text, shown[index]?.wide ?? 0, shown[index]?.isRight ?? false))
      .join('  ')
      .trimEnd();
  const more = [
    ...(table.numRows > rows.length ? [plural(table.numRows - rows.length, 'more row')] : []),
    ...(columns.length > shown.length ? [plural(columns.length - shown.length, 'more column')] : []),
  ];
  return [
    ...(shown.length === 0
      ? []
      : [
          paint('bold', line(shown.map(({ head }) => head))),
          paint('dim', line(shown.map(({ kind }) => kind))),
        ]),
    ...rows.map((_, row) => line(shown.map(({ cells }) => cells[row] ?? ''))),
    ...(more.length === 0 ? [] : [paint('dim', `… ${more.join(', ')}`)]),
  ].join('\n');
}
