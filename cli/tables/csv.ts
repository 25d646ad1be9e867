/** Comma-separated and tab-separated values (RFC 4180), with a line of names. */
import { Field, type Table } from 'apache-arrow';
import { fileError } from '../failure.js';
import { likelyDelimiter } from './delimiter.js';
import { rowsOf, type ShownCell } from './cells.js';
import { assertUtf8, dataOfCells, tableOfColumns, type Cell } from './infer.js';
import { toJson } from '../json.js';

type Text = string | null;

const WHOLE = /^-?(?:0|[1-9]\d*)$/;
// No leading zeros and no plus sign: those are of codes and telephone numbers.
const NUMBER = /^(?:-?(?:(?:0|[1-9]\d*)(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?|NaN|-?Infinity)$/i;
const BOOLEAN = /^(?:true|false)$/i;

/** A number that would be read as infinity. */
function isTooLarge(text: string): boolean {
  return !WHOLE.test(text) && !/inf/i.test(text) && Math.abs(Number(text)) === Infinity;
}

/** A whole number that JavaScript doesn't hold exactly is a bigint. */
function numberOf(text: string): number | bigint {
  const number = Number(text);
  return WHOLE.test(text) && !Number.isSafeInteger(number) ? BigInt(text) : number;
}

/** The values of a column: numbers or booleans if all are. */
function valuesOf(texts: readonly Text[]): readonly Cell[] {
  const there = texts.filter((text) => text !== null);
  const convert = (to: (text: string) => Cell): readonly Cell[] =>
    texts.map((text) => (text === null ? null : to(text)));
  if (there.length === 0) return texts;
  if (there.every((text) => BOOLEAN.test(text))) return convert((text) => text.toLowerCase() === 'true');
  if (!there.every((text) => NUMBER.test(text) && !isTooLarge(text))) return texts;
  const values = convert(numberOf);
  const bigints = values.filter((value) => typeof value === 'bigint');
  const isExact =
    bigints.length === 0 ||
    (bigints.every((value) => BigInt.asIntN(64, value) === value) && there.every((text) => WHOLE.test(text)));
  return isExact ? values : texts;
}

/** What csv-parse throws. */
interface CsvError {
  readonly code: string;
  readonly message: string;
  readonly lines?: number;
}

const isCsvError = (error: unknown): error is CsvError =>
  error instanceof Error && String((error as NodeJS.ErrnoException).code).startsWith('CSV_');

async function records(bytes: Uint8Array, delimiter: string): Promise<{ cells: Text[]; line: number }[]> {
  const { parse } = await import('csv-parse/sync');
  try {
    const found: unknown = parse(bytes, {
      bom: true,
      delimiter,
      info: true,
      relax_column_count: true,
      // What is quoted and empty is an empty text, what is not there is null.
      cast: (value, { quoting }) => (value === '' && !quoting ? null : value),
    });
    return (found as { record: Text[]; info: { lines: number } }[]).map(({ record, info }) => ({
      cells: record,
      line: info.lines,
    }));
  } catch (error) {
    if (!isCsvError(error)) throw error;
    throw fileError(`${error.message}; is it CSV?`, error);
  }
}

/** @throws {Failure} */
export async function readCsv(bytes: Uint8Array, delimiter: string): Promise<Table> {
  assertUtf8(bytes);
  const [header, ...lines] = await records(bytes, delimiter);
  if (header === undefined) throw fileError('it is empty; a line of column names is needed');
  const names = header.cells.map((name) => name ?? '');
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw fileError(`two columns are named '${twice}'; rename one`);
  const isBlank = (cells: readonly Text[]): boolean =>
    cells.length === 1 && cells[0] === null && names.length > 1;
  const rows = lines.filter(({ cells }) => !isBlank(cells));
  for (const { cells, line } of rows) {
    if (cells.length === names.length) continue;
    const meant = likelyDelimiter(names, delimiter);
    const advice = meant === undefined ? '' : `; is it --delimiter ${meant}?`;
    throw fileError(`line ${line} has ${cells.length} cells, and there are ${names.length} columns${advice}`);
  }
  const columns = names.map((name, column) =>
    dataOfCells(valuesOf(rows.map(({ cells }) => cells[column] ?? null)), name),
  );
  const fields = columns.map(({ type }, column) => new Field(names[column] ?? '', type, true));
  return tableOfColumns(fields, columns, rows.length);
}

function textOf(cell: ShownCell): string | number | bigint | null {
  if (cell === null || typeof cell === 'string' || typeof cell === 'number' || typeof cell === 'bigint')
    return cell;
  if (typeof cell === 'boolean') return String(cell);
  return toJson(cell);
}

/** Lists and objects are JSON in their cell; bytes are base64. */
export async function* writeCsv(table: Table, delimiter: string): AsyncGenerator<string> {
  const { stringify } = await import('csv-stringify/sync');
  const options = {
    delimiter,
    cast: {
      string: (value: string) => (value === '' ? { value, quoted_empty: true } : value),
      // Of itself it would write numbers as text of their own making.
      number: String,
    },
  };
  const names = table.schema.fields.map(({ name }) => name);
  yield stringify([names], options);
  let rows: (string | number | bigint | null)[][] = [];
  for (const cells of rowsOf(table)) {
    if (rows.push(cells.map(textOf)) < 1000) continue;
    yield stringify(rows, options);
    rows = [];
  }
  if (rows.length > 0) yield stringify(rows, options);
}
