/** Checks params against a declaration that is plain data. */
import { count, fail, list, oneOf, Reader, text, type Check } from '../lib/reader.js';
import type { ParamField, ParamSpec } from './types.js';

/** Nothing of a workflow nests deeper than a value may. */
const MAX_DEPTH = 50;

const TYPES = ['string', 'number', 'integer', 'boolean', 'list', 'object', 'any'] as const;

/** So many issues are told; who mends these is told the next. */
export const MOST_ISSUES = 20;

/** What is wrong with params, and where. */
export interface ParamIssue {
  readonly path: string;
  readonly text: string;
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const finite: Check<number> = (value, name) =>
  typeof value === 'number' && Number.isFinite(value) ? value : fail(name, 'a number', value);
const flag: Check<boolean> = (value, name) =>
  typeof value === 'boolean' ? value : fail(name, 'a boolean', value);

/** @throws {InvalidOptionError} */
export function checkParamSpec(value: unknown, name: string, depth = 0): ParamSpec {
  if (!isObject(value))
    return fail(name, 'a schema with the Standard Schema interface, or params by name', value);
  if (depth > MAX_DEPTH) return fail(name, `nested at most ${MAX_DEPTH} deep`, value);
  return Object.fromEntries(
    Object.entries(value).map(([key, field]) => [key, checkField(field, `${name}.${key}`, depth + 1)]),
  );
}

function checkField(value: unknown, name: string, depth: number): ParamField {
  if (depth > MAX_DEPTH) return fail(name, `nested at most ${MAX_DEPTH} deep`, value);
  const reader = new Reader(isObject(value) ? value : fail(name, 'an object with a type', value), name);
  const type = reader.required('type', oneOf(...TYPES));
  reader.get('optional', flag, false);
  reader.get('description', text, '');
  if (type === 'string') {
    reader.get('oneOf', list(text, 'strings'), []);
    reader.get('maxLength', count, 1);
  }
  if (type === 'number' || type === 'integer') {
    reader.get('min', finite, 0);
    reader.get('max', finite, 0);
  }
  if (type === 'list') reader.required('of', (of, at) => checkField(of, at, depth + 1));
  if (type === 'object') reader.required('fields', (fields, at) => checkParamSpec(fields, at, depth + 1));
  const field = value as ParamField;
  if (type !== 'object') {
    reader.get<unknown>(
      'default',
      (given, at) => {
        const issues: ParamIssue[] = [];
        applyField(field, given, at, issues);
        return issues[0] === undefined ? given : fail(at, `a value of this param (${issues[0].text})`, given);
      },
      undefined,
    );
  }
  reader.end();
  return field;
}

/** @returns the params with defaults filled in; of use only if there are no issues, of which there are at most {@link MOST_ISSUES} */
export function applySpec(
  spec: ParamSpec,
  params: unknown,
): { value: unknown; issues: readonly ParamIssue[] } {
  const issues: ParamIssue[] = [];
  return { value: applyFields(spec, params, '', issues), issues };
}

function applyFields(spec: ParamSpec, params: unknown, path: string, issues: ParamIssue[]): unknown {
  if (!isObject(params)) return refuse(issues, path, 'must be an object', params);
  const at = (key: string): string => (path === '' ? key : `${path}.${key}`);
  for (const key of Object.keys(params)) {
    if (issues.length >= MOST_ISSUES) break;
    if (!Object.hasOwn(spec, key)) issues.push({ path: at(key), text: 'is no param of this step' });
  }
  const filled: [string, unknown][] = [];
  for (const [key, field] of Object.entries(spec)) {
    if (issues.length >= MOST_ISSUES) break;
    if (Object.hasOwn(params, key) && params[key] !== undefined) {
      filled.push([key, applyField(field, params[key], at(key), issues)]);
    } else if ('default' in field && field.default !== undefined) {
      filled.push([key, field.default]);
    } else if (field.optional !== true) {
      issues.push({ path: at(key), text: 'is missing' });
    }
  }
  return Object.fromEntries(filled);
}

function applyField(field: ParamField, value: unknown, path: string, issues: ParamIssue[]): unknown {
  switch (field.type) {
    case 'string':
      if (typeof value !== 'string') return refuse(issues, path, 'must be text', value);
      if (field.oneOf !== undefined && !field.oneOf.includes(value))
        return refuse(issues, path, `must be one of '${field.oneOf.join("', '")}'`, value);
      if (value.length > (field.maxLength ?? Infinity))
        return refuse(issues, path, `must be at most ${field.maxLength ?? 0} characters long`, value);
      return value;
    case 'number':
    case 'integer':
      if (typeof value !== 'number' || !Number.isFinite(value))
        return refuse(issues, path, 'must be a number', value);
      if (field.type === 'integer' && !Number.isInteger(value))
        return refuse(issues, path, 'must be a whole number', value);
      if (value < (field.min ?? -Infinity))
        return refuse(issues, path, `must be at least ${field.min ?? 0}`, value);
      if (value > (field.max ?? Infinity))
        return refuse(issues, path, `must be at most ${field.max ?? 0}`, value);
      return value;
    case 'boolean':
      return typeof value === 'boolean' ? value : refuse(issues, path, 'must be true or false', value);
    case 'list':
      if (!Array.isArray(value)) return refuse(issues, path, 'must be a list', value);
      return applyItems(field.of, value, path, issues);
    case 'object':
      return applyFields(field.fields, value, path, issues);
    case 'any':
      return value;
  }
}

function applyItems(
  field: ParamField,
  items: readonly unknown[],
  path: string,
  issues: ParamIssue[],
): unknown[] {
  const filled: unknown[] = [];
  for (const [index, item] of items.entries()) {
    if (issues.length >= MOST_ISSUES) break;
    filled.push(applyField(field, item, `${path}.${index}`, issues));
  }
  return filled;
}

function refuse(issues: ParamIssue[], path: string, expected: string, value: unknown): unknown {
  issues.push({ path, text: `${expected}, but is ${describe(value)}` });
  return undefined;
}

function describe(value: unknown): string {
  if (typeof value === 'string') return `'${value.length > 40 ? `${value.slice(0, 40)}…` : value}'`;
  if (value === null || typeof value === 'number' || typeof value === 'boolean') return String(value);
  return Array.isArray(value) ? 'a list' : typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
