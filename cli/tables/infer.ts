/** Columns from plain values: which type holds all of them. */
import { isUtf8 } from 'node:buffer';
import * as arrow from 'apache-arrow';
import type { Data, DataType } from 'apache-arrow';
import { fileError } from '../failure.js';
import { isDay, parseTimestamps, timestampUnit } from './timestamps.js';

/** A value of a column. */
export type Cell =
  null | boolean | number | bigint | string | readonly Cell[] | { readonly [key: string]: Cell };

export type Row = Readonly<Record<string, Cell>>;

const isInt32 = (value: Cell): boolean =>
  typeof value === 'number' && (value | 0) === value && !Object.is(value, -0);
const isWhole = (value: Cell): value is number | bigint =>
  typeof value === 'bigint' || Number.isSafeInteger(value);
const isInt64 = (value: Cell): boolean =>
  typeof value === 'bigint' ? BigInt.asIntN(64, value) === value : Number.isSafeInteger(value);

/** What apache-arrow makes of values that fit a type. */
const dataOf = (values: readonly unknown[], type: DataType): Data =>
  arrow.vectorFromArray(values, type).data[0] ?? arrow.makeData({ type: new arrow.Null(), length: 0 });

function validity(values: readonly Cell[]): { nullBitmap: Uint8Array; nullCount: number } {
  const nullBitmap = new Uint8Array((values.length + 7) >> 3);
  let nullCount = 0;
  values.forEach((value, index) => {
    if (value === null) nullCount++;
    else nullBitmap[index >> 3] = (nullBitmap[index >> 3] ?? 0) | (1 << (index & 7));
  });
  return { nullBitmap, nullCount };
}

/** Days and timestamps in ISO 8601; or the text itself. */
function dataOfTexts(texts: readonly (string | null)[]): Data {
  const there = texts.filter((text) => text !== null);
  if (there.length > 0 && there.every(isDay)) {
    const days = texts.map((text) => (text === null ? null : new Date(text)));
    return dataOf(days, new arrow.DateDay());
  }
  const unit = timestampUnit(there);
  if (unit === undefined) return dataOf(texts, new arrow.Utf8());
  const data = parseTimestamps(texts, unit);
  return arrow.makeData({ type: unit.type, length: texts.length, data, ...validity(texts) });
}

function dataOfLists(lists: readonly (readonly Cell[] | null)[], where: string): Data {
  const valueOffsets = new Int32Array(lists.length + 1);
  lists.forEach(
    (list, index) => (valueOffsets[index + 1] = (valueOffsets[index] ?? 0) + (list?.length ?? 0)),
  );
  const child = dataOfCells(
    lists.flatMap((list) => list ?? []),
    `${where}[]`,
  );
  const type = new arrow.List(new arrow.Field('item', child.type, true));
  return arrow.makeData({ type, length: lists.length, valueOffsets, child, ...validity(lists) });
}

function dataOfRows(rows: readonly (Row | null)[], where: string): Data<arrow.Struct> {
  const names = new Set<string>();
  for (const row of rows) for (const name in row) names.add(name);
  const children = [...names].map((name) =>
    dataOfCells(
      rows.map((row) => (row !== null && Object.hasOwn(row, name) ? (row[name] ?? null) : null)),
      where === '' ? name : `${where}.${name}`,
    ),
  );
  const fields = [...names].map(
    (name, index) => new arrow.Field(name, children[index]?.type ?? new arrow.Null(), true),
  );
  const type = new arrow.Struct(fields);
  return arrow.makeData({ type, length: rows.length, children, ...validity(rows) });
}

const isList = (value: Cell): value is readonly Cell[] | null => value === null || Array.isArray(value);
const isRow = (value: Cell): value is Row | null =>
  value === null || (typeof value === 'object' && !Array.isArray(value));
const isText = (value: Cell): value is string | null => value === null || typeof value === 'string';

const nameOf = (value: Cell): string =>
  Array.isArray(value) ? 'a list' : typeof value === 'object' ? 'an object' : `a ${typeof value}`;

/**
 * Numbers are Int32 if all fit, Float64 if JavaScript holds all exactly, and Int64 if some are whole and larger; text if all are
 * whole and some larger than that.
 * @throws {Failure} if no type holds all
 */
export function dataOfCells(values: readonly Cell[], where: string): Data {
  // Also where all are null: what there is most of.
  if (values.every(isText)) return dataOfTexts(values);
  const all = (fits: (value: Cell) => boolean): boolean =>
    values.every((value) => value === null || fits(value));
  if (values.every(isList)) return dataOfLists(values, where);
  if (values.every(isRow)) return dataOfRows(values, where);
  if (all((value) => typeof value === 'boolean')) return dataOf(values, new arrow.Bool());
  if (all(isInt32)) return dataOf(values, new arrow.Int32());
  if (all((value) => typeof value === 'number')) return dataOf(values, new arrow.Float64());
  if (all(isInt64))
    return dataOf(
      values.map((value) => (typeof value === 'number' ? BigInt(value) : value)),
      new arrow.Int64(),
    );
  if (all(isWhole))
    return dataOf(
      values.map((value) => (isWhole(value) ? String(value) : null)),
      new arrow.Utf8(),
    );
  const first = values.find((value) => value !== null) ?? null;
  const other = values.findIndex((value) => value !== null && typeof value !== typeof first);
  const also = other < 0 ? first : (values[other] ?? null);
  throw fileError(
    nameOf(also) === nameOf(first)
      ? `column '${where}' has numbers that no type holds exactly; write them as text`
      : `column '${where}' has ${nameOf(first)} and, in row ${other + 1}, ${nameOf(also)}; make them the same`,
  );
}

/** @param length how many rows there are, also without any columns */
export function tableOfColumns(
  fields: readonly arrow.Field[],
  children: readonly Data[],
  length: number,
): arrow.Table {
  const schema = new arrow.Schema([...fields]);
  const type = new arrow.Struct(schema.fields);
  const data = arrow.makeData({ type, length, children: [...children], nullCount: 0 });
  return new arrow.Table(schema, [new arrow.RecordBatch(schema, data)]);
}

/** @throws {Failure} */
export function tableOfRows(rows: readonly Row[]): arrow.Table {
  const { type, children } = dataOfRows(rows, '');
  return tableOfColumns(type.children, children, rows.length);
}

/** @throws {Failure} */
export function assertUtf8(bytes: Uint8Array): void {
  if (!isUtf8(bytes)) throw fileError('it is not in UTF-8; convert it, for example with iconv -t UTF-8');
}
