/**
 * What a function returned that can't be sent as a value, and was meant as tables: what there is to say instead of
 * "an instance of Table". Looked for only then, so that what can be sent is read no more often than before.
 */
import { UnsupportedValueError } from '../protocol/errors.js';
import { Refusal, type Segment } from '../protocol/refusal.js';
import type { Arrow } from './arrow.js';
import { isTabular } from './returned.js';

type Classes = Pick<Arrow, 'Table' | 'RecordBatch'>;

const EXAMPLE = '{ value, tables: { name: table } }';
const MISPLACED = `a table, which goes into tables: return ${EXAMPLE}`;

/** Undefined for what is hardly a table. `isTable`: it would be one in its right place. */
interface Likeness {
  readonly isTable: boolean;
  readonly what: string;
}

function likenessOf(value: unknown, arrow: Classes): Likeness | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  if (isTabular(value, arrow)) return { isTable: true, what: 'a table' };
  const { then, toArrowIPC, schema, batches } = value as Readonly<Record<string, unknown>>;
  if (typeof then === 'function') return { isTable: false, what: 'a Promise: await it' };
  if (typeof toArrowIPC === 'function')
    return { isTable: false, what: 'a table of arquero: give tableFromIPC(it.toArrowIPC()) of apache-arrow' };
  // Not of what is plain: that can be sent.
  const prototype: unknown = Object.getPrototypeOf(value);
  const isPlain = prototype === null || Object.getPrototypeOf(prototype) === null;
  if (!isPlain && typeof schema === 'object' && Array.isArray(batches))
    return {
      isTable: false,
      what: "a table of another copy of apache-arrow: make it by require('apache-arrow')",
    };
  return undefined;
}

/** What a table of apache-arrow gives when it is iterated over. */
function isRow(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { toArray, toJSON } = value as Readonly<Record<string, unknown>>;
  return typeof toArray === 'function' && typeof toJSON === 'function';
}

function refusal(reason: string, ...segments: Segment[]): Refusal {
  const refused = new Refusal((path) => new UnsupportedValueError(path, reason));
  for (const segment of segments.reverse()) refused.at(segment);
  return refused;
}

/** Of an object that has `tables`: what keeps them from being taken as such, if there are any in it. */
function besideTables(value: { readonly tables: unknown }, arrow: Classes): Refusal | undefined {
  const { tables } = value;
  if (typeof tables !== 'object' || tables === null) return undefined;
  const like = likenessOf(tables, arrow);
  if (like !== undefined)
    return refusal(
      like.isTable ? `tables is an object of tables by name: return ${EXAMPLE}` : like.what,
      'tables',
    );
  const found = Object.entries(tables).map(([name, each]) => ({ name, like: likenessOf(each, arrow) }));
  if (found.every((each) => each.like === undefined)) return undefined;
  const odd = found.find((each) => each.like?.isTable !== true);
  if (odd !== undefined)
    return refusal(odd.like?.what ?? 'it is no table, as the others of tables are', 'tables', odd.name);
  const other = Object.keys(value).find((key) => key !== 'value' && key !== 'tables');
  return other === undefined
    ? undefined
    : refusal('beside tables there may be value, which can be an object, and nothing else', other);
}

function find(value: unknown, arrow: Classes): Refusal | undefined {
  const like = likenessOf(value, arrow);
  if (like?.isTable === true) return refusal(MISPLACED);
  if (like !== undefined) return refusal(like.what);
  if (typeof value !== 'object' || value === null) return undefined;
  if (Array.isArray(value)) {
    const [first] = value as unknown[];
    if (likenessOf(first, arrow)?.isTable === true)
      return refusal(
        `a list of tables: return ${EXAMPLE}, or what array.values() gives for the batches of one`,
      );
    return isRow(first)
      ? refusal('rows of a table: return tableFromJSON(rows) of apache-arrow, or row.toJSON() of each')
      : undefined;
  }
  if (Object.hasOwn(value, 'tables')) {
    const found = besideTables(value as { tables: unknown }, arrow);
    if (found !== undefined) return found;
  }
  for (const [name, each] of Object.entries(value)) {
    const found = likenessOf(each, arrow);
    if (found !== undefined) return refusal(found.isTable ? MISPLACED : found.what, name);
  }
  return undefined;
}

/**
 * @param value what could not be sent
 * @param arrow without it there are no tables
 */
export function nearMiss(value: unknown, arrow: Classes | undefined): UnsupportedValueError | undefined {
  if (arrow === undefined) return undefined;
  try {
    const error = find(value, arrow)?.toError('value');
    return error instanceof UnsupportedValueError ? error : undefined;
  } catch {
    // A getter, or a proxy: what could not be sent is told as it is.
    return undefined;
  }
}
