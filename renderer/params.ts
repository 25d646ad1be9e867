/** Checks the params of a step against its schema, whichever kind it is. */
import { isStandardSchema, type SchemaIssue } from '../lib/schema.js';
import { applySpec, type ParamIssue } from './param-spec.js';
import type { Message, ParamSpec, Step } from './types.js';

/** So many are told; who mends these is told the next. */
const MOST_TOLD = 20;

type Checked = { readonly value: unknown } | { readonly errors: readonly Message[] };

export function checkBySpec(spec: ParamSpec, params: unknown): Checked {
  const { value, issues } = applySpec(spec, params);
  return issues.length === 0 ? { value } : { errors: issues.slice(0, MOST_TOLD).map(toMessage) };
}

/** @param because what encoding them has thrown */
export function cannotBeSent(because: Error): Message {
  return { code: 'badParams', text: `The params can't be sent: ${because.message}.` };
}

/**
 * @returns what the schema makes of the params, or what is wrong with them
 * @throws what a schema of the caller's throws
 */
export async function checkParams(schema: Step['schema'], params: unknown): Promise<Checked> {
  if (schema === undefined) return { value: params };
  if (!isStandardSchema(schema)) return checkBySpec(schema, params);
  const result = await schema['~standard'].validate(params);
  if (result.issues === undefined) return { value: result.value };
  return { errors: result.issues.slice(0, MOST_TOLD).map((issue) => toMessage(toParamIssue(issue))) };
}

function toParamIssue({ message, path = [] }: SchemaIssue): ParamIssue {
  const keys = path.map((segment) => String(typeof segment === 'object' ? segment.key : segment));
  return { path: keys.join('.'), text: message };
}

function toMessage({ path, text }: ParamIssue): Message {
  const what = path === '' ? 'The params' : `The param '${path}'`;
  return { code: 'badParams', text: `${what}: ${text}.`.replace(/[.]{2,}$/, '.'), path };
}
