/** JSON: an array of objects, or an object in each line. */
import type { Table } from 'apache-arrow';
import { fileError } from '../failure.js';
import { fromJson, toJson } from '../json.js';
import { objectsOf } from './cells.js';
import { assertUtf8, tableOfRows, type Cell, type Row } from './infer.js';

function parseText(text: string, where: string): Cell {
  try {
    return fromJson(text);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw fileError(`${where}it is no JSON: ${message}`, error);
  }
}

function rowOf(value: Cell, where: string): Row {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Row;
  throw fileError(`${where} is no object; rows have to be objects of columns`);
}

function textOf(bytes: Uint8Array): string {
  assertUtf8(bytes);
  try {
    return new TextDecoder().decode(bytes);
  } catch (error) {
    throw fileError('it is larger than a text can be; use Arrow or Parquet', error);
  }
}

function readLines(text: string): Table {
  const rows = text.split('\n').flatMap((line, index) => {
    if (line.trim() === '') return [];
    const where = `line ${index + 1}`;
    return [rowOf(parseText(line, `in ${where} `), where)];
  });
  return tableOfRows(rows);
}

/** @throws {Failure} */
export function readJson(bytes: Uint8Array): Table {
  const text = textOf(bytes);
  // One object, or one in each line.
  if (text.trimStart().startsWith('{') && text.trimEnd().includes('\n')) {
    try {
      return tableOfRows([rowOf(fromJson(text), 'it')]);
    } catch {
      return readLines(text);
    }
  }
  const value = parseText(text, '');
  if (!Array.isArray(value)) return tableOfRows([rowOf(value, 'it')]);
  return tableOfRows(value.map((row: Cell, index) => rowOf(row, `element ${index}`)));
}

/** @throws {Failure} */
export function readNdjson(bytes: Uint8Array): Table {
  return readLines(textOf(bytes));
}

export function* writeNdjson(table: Table): Generator<string> {
  for (const row of objectsOf(table)) yield `${toJson(row)}\n`;
}

export function* writeJson(table: Table): Generator<string> {
  let before = '[\n';
  for (const row of objectsOf(table)) {
    yield `${before}${toJson(row)}`;
    before = ',\n';
  }
  yield before === '[\n' ? '[]\n' : '\n]\n';
}
