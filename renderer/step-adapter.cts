/**
 * In the child: calls the function of a step that the host asks for, and puts what it returned into the form that the host
 * reads (renderer/given.ts). The host believes none of it: the step's code could have written anything in its place.
 */
import type * as Arrow from 'apache-arrow';
import type { Table } from 'apache-arrow';

type Functions = Readonly<Record<string, unknown>>;

/** What the host asks for: `params` of the child. */
interface StepJob {
  readonly call: 'validate' | 'migrateParams' | 'fetch' | 'render';
  readonly params: unknown;
  /** What `fetch` gave besides its table; undefined if there is no such function. */
  readonly fetched?: { readonly value: unknown };
}

type Tables = Readonly<Record<string, Table>>;

/** How the host names tables: the step's own, that of its `fetch`, and others by their names. */
const INPUT_PREFIX = 'input:';

const FUNCTIONS = ['render', 'fetch', 'migrateParams'];
const RESULT_KEYS = ['table', 'value', 'warnings', 'errors'];
/** What is meant by names that are nearly right. */
const MEANT: Readonly<Record<string, string>> = {
  tables: 'a step gives one table, as table',
  data: 'a table is given as table',
  values: "it is 'value'",
  warning: "it is 'warnings'",
  error: "it is 'errors'",
};
const OF_ROWS = 'tableFromJSON(rows) of apache-arrow makes a table of rows';
const OF_COLUMNS = 'tableFromArrays(columns) of apache-arrow makes a table of columns';
/** How many exports an error names. */
const NAMED_AT_MOST = 10;

// The step's code may replace them.
const { keys, values, entries, hasOwn, defineProperty, getPrototypeOf } = Object;
const { isArray } = Array;
const isView = ArrayBuffer.isView.bind(ArrayBuffer);

function functionOf(exports: unknown, name: string): ((...args: unknown[]) => unknown) | undefined {
  if ((typeof exports !== 'object' && typeof exports !== 'function') || exports === null) return undefined;
  const found = (exports as Functions)[name];
  return typeof found === 'function' ? (found as (...args: unknown[]) => unknown) : undefined;
}

/** So that the step's own code is in the stack of what a library throws. */
const STACK_FRAMES = 50;

export async function callStep(
  exports: unknown,
  { params: job, tables }: { params: StepJob; tables: Tables },
  require: (specifier: string) => unknown,
): Promise<unknown> {
  Error.stackTraceLimit = STACK_FRAMES;
  if (job.call === 'validate') {
    return {
      exports: FUNCTIONS.filter((name) => functionOf(exports, name) !== undefined),
      others: namesOf(exports).slice(0, NAMED_AT_MOST),
    };
  }
  const call = functionOf(exports, job.call);
  if (call === undefined) return { bad: `it exports no function '${job.call}'` };
  if (job.call === 'migrateParams') return { params: await call(job.params) };
  if (job.call === 'fetch') return give(await call(job.params, {}), require);
  return give(await call(tables.table ?? null, job.params, contextOf(job, tables)), require);
}

function namesOf(exports: unknown): string[] {
  return typeof exports === 'object' && exports !== null ? keys(exports) : [];
}

function contextOf({ fetched }: StepJob, tables: Tables): object {
  const inputs = {};
  for (const [name, value] of entries(tables)) {
    if (!name.startsWith(INPUT_PREFIX)) continue;
    const key = name.slice(INPUT_PREFIX.length);
    defineProperty(inputs, key, { value, enumerable: true, writable: true, configurable: true });
  }
  return fetched === undefined ? { inputs } : { inputs, fetched: { table: tables.fetched, ...fetched } };
}

/** A column of a table of arquero that Arrow has no type for. */
class BadColumn extends Error {}

function give(returned: unknown, require: (specifier: string) => unknown): unknown {
  try {
    return giveUnless(returned, require);
  } catch (error) {
    if (error instanceof BadColumn) return { bad: error.message };
    throw error;
  }
}

/** @throws {BadColumn} */
function giveUnless(returned: unknown, require: (specifier: string) => unknown): unknown {
  const alone = toTabular(returned, require);
  if (alone !== undefined)
    return { value: { value: null, warnings: [], errors: [] }, tables: { table: alone } };
  if (!isPlainObject(returned)) {
    return {
      bad: `it must return a table, or an object with a table or errors, but returned ${describe(returned)}`,
    };
  }
  const { table, value = null, warnings, errors } = returned;
  const unknown = keys(returned).find((key) => !RESULT_KEYS.includes(key));
  if (unknown !== undefined) {
    const meant = isColumns(returned) ? OF_COLUMNS : hasOwn(MEANT, unknown) ? MEANT[unknown] : undefined;
    return {
      bad: `the object that it returned has '${unknown}'${meant === undefined ? '' : ` (${meant})`}, and may only have ${RESULT_KEYS.join(', ')}`,
    };
  }
  const said = { value, warnings: toMessages(warnings), errors: toMessages(errors) };
  const wrong = said.errors === undefined ? 'errors' : said.warnings === undefined ? 'warnings' : undefined;
  if (wrong !== undefined) {
    return {
      bad: `${wrong} must be texts, Errors, or objects with a text, a line and a column, one or a list of them`,
    };
  }
  if (said.errors !== undefined && said.errors.length > 0) return said;
  const tabular = toTabular(table, require);
  if (tabular === undefined) return { bad: `it must give a table, but its table is ${describe(table)}` };
  return { value: said, tables: { table: tabular } };
}

const isColumns = (value: Readonly<Record<string, unknown>>): boolean => {
  const all = values(value);
  const isResult = keys(value).some((key) => RESULT_KEYS.includes(key));
  return !isResult && all.length > 0 && all.every((each) => isArray(each) || isView(each));
};

function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || isArray(value)) return false;
  const prototype: unknown = getPrototypeOf(value);
  return prototype === null || getPrototypeOf(prototype) === null;
}

/** A table of apache-arrow, an iterator of batches, the bytes of a table, or a table of arquero. */
function toTabular(value: unknown, require: (specifier: string) => unknown): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  const arrow = require('apache-arrow') as typeof Arrow;
  if (value instanceof arrow.Table || value instanceof arrow.RecordBatch) return value;
  if (value instanceof Uint8Array) return arrow.tableFromIPC(value);
  const { toArrowIPC } = value as { toArrowIPC?: unknown };
  if (typeof toArrowIPC === 'function')
    return arrow.tableFromIPC(ipcOf(value as ArqueroTable, toArrowIPC as () => Uint8Array));
  const {
    next,
    [Symbol.iterator]: iterate,
    [Symbol.asyncIterator]: iterateAsync,
  } = value as Partial<Iterator<unknown> & Iterable<unknown> & AsyncIterable<unknown>>;
  const isSource =
    typeof iterateAsync === 'function' || (typeof iterate === 'function' && typeof next === 'function');
  return isSource ? value : undefined;
}

interface ArqueroTable {
  columnNames?(): string[];
  select?(name: string): { toArrowIPC(): Uint8Array };
}

/** @throws {BadColumn} which of the columns it is that arquero's own error doesn't name */
function ipcOf(table: ArqueroTable, toArrowIPC: () => Uint8Array): Uint8Array {
  try {
    return toArrowIPC.call(table);
  } catch (error) {
    const names = table.columnNames?.() ?? [];
    const column = names.find((name) => {
      try {
        table.select?.(name).toArrowIPC();
        return false;
      } catch {
        return true;
      }
    });
    if (column === undefined) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new BadColumn(
      `its column '${column}' has no type of its own, such as with texts and numbers in it (${reason})`,
    );
  }
}

/** Undefined if they are none. */
function toMessages(given: unknown): object[] | undefined {
  if (given === undefined || given === null) return [];
  const messages = (isArray(given) ? given : [given]).map(toMessage);
  return messages.every((message) => message !== undefined) ? messages : undefined;
}

function toMessage(given: unknown): object | undefined {
  if (typeof given === 'string') return { text: given };
  if (typeof given !== 'object' || given === null) return undefined;
  if (given instanceof Error) return { text: given.message, stack: String(given.stack) };
  const { text, line, column = 0 } = given as Readonly<Record<string, unknown>>;
  if (typeof text !== 'string') return undefined;
  return line === undefined ? { text } : { text, line, column };
}

function describe(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (typeof value !== 'object') return `a ${typeof value}`;
  if (isArray(value)) {
    const [first] = value as unknown[];
    if (isArrow(first)) return 'a list of tables (list.values() gives the batches of one)';
    // Rows of a table, too.
    const isRow = typeof first === 'object' && first !== null && !isArray(first);
    return isRow ? `a list of objects (${OF_ROWS})` : 'a list';
  }
  if (typeof (value as { then?: unknown }).then === 'function') return 'a Promise (await it)';
  if (isPlainObject(value) && isColumns(value)) return `an object (${OF_COLUMNS})`;
  return isArrow(value)
    ? "a table of another copy of apache-arrow (make it by that of require('apache-arrow'))"
    : 'an object of another kind';
}

/** A table or a batch, of whichever copy of apache-arrow. */
function isArrow(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { schema, batches, data } = value as Readonly<Record<string, unknown>>;
  return typeof schema === 'object' && (isArray(batches) || typeof data === 'object');
}
