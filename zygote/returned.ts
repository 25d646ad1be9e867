/** Takes apart what the user's function returned: a value, and tables. */
import type { RecordBatch, Table } from 'apache-arrow';
import type { Arrow } from './arrow.js';

/** Gives a table batch by batch: an iterator, a generator, a RecordBatchReader, a stream of objects. */
export type BatchSource = Iterable<unknown> | AsyncIterable<unknown>;

/** What is written as a table. */
export type Tabular = Table | RecordBatch | BatchSource;

export interface TakenApart {
  readonly value: unknown;
  readonly tables: readonly (readonly [name: string, table: Tabular])[];
}

/** The name of a table that is returned by itself. */
const ONLY_TABLE = 'table';

/**
 * Iterators, and what can be iterated over asynchronously. Not all that can be iterated over: arrays and maps are values.
 * None of these is a plain value, so that nothing else can be meant.
 */
function isBatchSource(value: object): value is BatchSource {
  const {
    next,
    [Symbol.iterator]: iterate,
    [Symbol.asyncIterator]: iterateAsync,
  } = value as Partial<Iterator<unknown> & Iterable<unknown> & AsyncIterable<unknown>>;
  return typeof iterateAsync === 'function' || (typeof iterate === 'function' && typeof next === 'function');
}

export function isTabular(value: unknown, arrow: Pick<Arrow, 'Table' | 'RecordBatch'>): value is Tabular {
  return (
    value instanceof arrow.Table ||
    value instanceof arrow.RecordBatch ||
    (typeof value === 'object' && value !== null && isBatchSource(value))
  );
}

/** @param arrow without it there are no tables */
export function takeApart(
  returned: unknown,
  arrow: Pick<Arrow, 'Table' | 'RecordBatch'> | undefined,
): TakenApart {
  const noTables = { value: returned, tables: [] };
  if (arrow === undefined || typeof returned !== 'object' || returned === null) return noTables;
  if (isTabular(returned, arrow)) return { value: undefined, tables: [[ONLY_TABLE, returned]] };
  if (!Object.hasOwn(returned, 'tables')) return noTables;
  const { value, tables, ...others } = returned as { value?: unknown; tables: unknown };
  // An object that happens to have a property `tables` is a value like any other.
  if (Object.keys(others).length > 0 || typeof tables !== 'object' || tables === null) return noTables;
  const entries = Object.entries(tables) as [string, unknown][];
  const areTables = (all: [string, unknown][]): all is [string, Tabular][] =>
    all.every(([, table]) => isTabular(table, arrow));
  return areTables(entries) ? { value, tables: entries } : noTables;
}
