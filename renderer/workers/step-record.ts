/** What became of a step, as JSON: small enough for Redis, with what is large of it in the store. */
import { createHash } from 'node:crypto';
import { fail, list, oneOf, Reader, text, type Check } from '../../lib/reader.js';
import type { Place, PlainValue } from '../../lib/index.js';
import { StoreError } from '../store/errors.js';
import { readBytes } from '../store/read-object.js';
import type { ObjectStore, TableRef } from '../store/types.js';
import type { TableInfo } from '../step-table.js';
import type { CallReport, Message, MessageCode, StepReport } from '../types.js';
import { checked, decoded, encoded, tableRef, whole } from './job-data.js';

/** Events carry it to all who listen. */
const MAX_INLINE_BYTES = 16 * 1024;

/** Of what a step may have said: its value, its messages and what it printed. */
const MAX_RECORD_BYTES = 64 * 1024 * 1024;

const STATUSES = ['ok', 'error', 'canceled'] as const;

/** What of it is needed to go on. The rest is for who reads the report. */
export interface StepRecord {
  readonly status: (typeof STATUSES)[number];
  readonly table?: TableInfo;
  /** JSON of what there is to say. */
  readonly said?: object;
  /** If that is large: where it is in the store. */
  readonly saidIn?: TableRef;
}

/** A report whose table is only described. */
export type PlainReport = Omit<StepReport, 'table' | 'value' | 'status' | 'because'> & {
  readonly status: StepRecord['status'];
  readonly value: PlainValue;
  readonly table: TableInfo | undefined;
};

const objectOf = ({ hash }: TableRef): string => `reports/${hash}.json`;

/** @throws {StoreError}; the reason of the signal */
export async function writeRecord(
  report: StepReport,
  store: ObjectStore,
  signal: AbortSignal,
): Promise<StepRecord> {
  if (report.status === 'unreachable') throw new Error('a step that was not to be run');
  const { warnings, errors, cached, ms, calls, stdout, stderr } = report;
  const value = 'value' in report ? report.value : null;
  const { status } = report;
  const said = {
    warnings,
    errors,
    cached,
    ms,
    calls,
    stdout,
    stderr,
    value: encoded(value, 'value', MAX_RECORD_BYTES),
  };
  const table = report.status === 'ok' ? { table: infoOf(report.table) } : {};
  const json = Buffer.from(JSON.stringify(said));
  if (json.byteLength <= MAX_INLINE_BYTES) return { status, ...table, said };
  const hash = createHash('sha256').update(json).digest('hex');
  const saidIn = { hash, byteLength: json.byteLength };
  await store.put(objectOf(saidIn), json, { sha256: hash, signal });
  return { status, ...table, saidIn };
}

function infoOf({ hash, byteLength, numRows, columns }: TableInfo): TableInfo {
  return { hash, byteLength, numRows, columns };
}

const column: Check<{ readonly name: string; readonly type: string }> = (value, name) => {
  const reader = new Reader(value, name);
  // Names of columns are the users', and may have anything in them.
  const read = { name: reader.required('name', anyText), type: reader.required('type', anyText) };
  reader.end();
  return read;
};

const anyText: Check<string> = (value, name) =>
  typeof value === 'string' ? value : fail(name, 'a string', value);

const tableInfo: Check<TableInfo> = (value, name) => {
  const reader = new Reader(value, name);
  const hash = reader.required('hash', (given) => given);
  const byteLength = reader.required('byteLength', (given) => given);
  const info = {
    ...tableRef({ hash, byteLength }, name),
    numRows: reader.required('numRows', whole),
    columns: reader.required('columns', list(column, 'columns')),
  };
  reader.end();
  return info;
};

/** @throws {BadJobError} */
export function readRecord(value: unknown): StepRecord {
  return checked('the result of a step', () => {
    const reader = new Reader(value, 'record');
    const status = reader.required('status', oneOf(...STATUSES));
    const table = reader.get<TableInfo | undefined>('table', tableInfo, undefined);
    const said = reader.get<object | undefined>('said', plainObject, undefined);
    const saidIn = reader.get<TableRef | undefined>('saidIn', tableRef, undefined);
    reader.end();
    if ((status === 'ok') !== (table !== undefined)) fail('record.table', 'there if it is ok', table);
    return { status, ...(table && { table }), ...(said && { said }), ...(saidIn && { saidIn }) };
  });
}

const plainObject: Check<object> = (value, name) =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? value
    : fail(name, 'an object', value);

const CODES: readonly MessageCode[] = [
  'reported',
  'threw',
  'exited',
  'signaled',
  'timedOut',
  'outOfMemory',
  'limitExceeded',
  'forbidden',
  'badOutput',
  'badResult',
  'badParams',
  'badModule',
  'missingInput',
  'cycle',
  'internal',
];

const number: Check<number> = (value, name) =>
  typeof value === 'number' && value >= 0 ? value : fail(name, 'a number', value);

const flag: Check<boolean> = (value, name) =>
  typeof value === 'boolean' ? value : fail(name, 'a boolean', value);

const place: Check<Place | undefined> = (value, name) => {
  const reader = new Reader(value, name);
  const read = {
    file: reader.required('file', text),
    line: reader.required('line', whole),
    column: reader.required('column', whole),
  };
  reader.end();
  return read;
};

export const message: Check<Message> = (value, name) => {
  const reader = new Reader(value, name);
  const optional = {
    place: reader.get<Place | undefined>('place', place, undefined),
    stack: reader.get<string | undefined>('stack', anyText, undefined),
    path: reader.get<string | undefined>('path', anyText, undefined),
  };
  const read = { code: reader.required('code', oneOf(...CODES)), text: reader.required('text', anyText) };
  reader.end();
  return {
    ...read,
    ...Object.fromEntries(Object.entries(optional).filter(([, given]) => given !== undefined)),
  };
};

const callReport: Check<CallReport> = (value, name) => {
  const reader = new Reader(value, name);
  const usage = new Reader(
    reader.required('usage', (given) => given),
    `${name}.usage`,
  );
  const read = {
    call: reader.required('call', oneOf('render', 'fetch', 'migrateParams', 'validate')),
    queuedMs: reader.required('queuedMs', number),
    usage: {
      wallMs: usage.required('wallMs', number),
      userMs: usage.required('userMs', number),
      systemMs: usage.required('systemMs', number),
      peakMemoryBytes: usage.required('peakMemoryBytes', number),
    },
  };
  reader.end();
  usage.end();
  return read;
};

/** @throws {BadJobError | StoreError}; the reason of the signal */
export async function readReport(
  { status, table, said, saidIn }: StepRecord,
  names: { readonly step: string; readonly tab: string },
  store: ObjectStore,
  signal: AbortSignal,
): Promise<PlainReport> {
  const given = saidIn === undefined ? said : await fetched(saidIn, store, signal);
  return checked('the result of a step', () => {
    const reader = new Reader(plainObject(given, 'said'), 'said');
    const report = {
      ...names,
      status,
      table,
      warnings: reader.required('warnings', list(message, 'messages')),
      errors: reader.required('errors', list(message, 'messages')),
      cached: reader.required('cached', flag),
      ms: reader.required('ms', number),
      calls: reader.required('calls', list(callReport, 'calls')),
      stdout: reader.required('stdout', anyText),
      stderr: reader.required('stderr', anyText),
      value: reader.required('value', (value, name) => decoded(value, name, MAX_RECORD_BYTES)),
    };
    reader.end();
    return report;
  });
}

async function fetched(ref: TableRef, store: ObjectStore, signal: AbortSignal): Promise<unknown> {
  const key = objectOf(ref);
  const check = (bytes: Buffer): unknown => {
    if (createHash('sha256').update(bytes).digest('hex') !== ref.hash) throw new Error('it has another hash');
    return JSON.parse(bytes.toString());
  };
  const found = await readBytes(store, key, check, signal);
  if (found === undefined) throw new StoreError('ERR_STORE_NOT_FOUND', store.name, key);
  return found;
}
