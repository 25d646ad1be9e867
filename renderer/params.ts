/** Checks the params of a step against its schema, whichever kind it is. */
import { isStandardSchema, type SchemaIssue } from '../lib/schema.js';
import { applySpec, MOST_ISSUES, type ParamIssue } from './param-spec.js';
import { cleanText } from './place.js';
import type { Message, ParamSpec, Step } from './types.js';

/** In UTF-16 units. */
const MAX_PATH_LENGTH = 1_000;

type Checked = { readonly value: unknown } | { readonly errors: readonly Message[] };

export function checkBySpec(spec: ParamSpec, params: unknown): Checked {
  const { value, issues } = applySpec(spec, params);
  return issues.length === 0 ? { value } : { errors: issues.map(toMessage) };
}

/** @param because what encoding them has thrown */
export function cannotBeSent(because: Error): Message {
  return { code: 'badParams', text: cleanText(`The params can't be sent: ${because.message}.`) };
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
  return { errors: result.issues.slice(0, MOST_ISSUES).map((issue) => toMessage(toParamIssue(issue))) };
}

function toParamIssue({ message, path = [] }: SchemaIssue): ParamIssue {
  const keys = path.map((segment) => String(typeof segment === 'object' ? segment.key : segment));
  return { path: keys.join('.'), text: message };
}

/** The keys may be those that a step's own `migrateParams` made. */
function toMessage(issue: ParamIssue): Message {
  const path = cleanText(issue.path, MAX_PATH_LENGTH);
  const what = path === '' ? 'The params' : `The param '${path}'`;
  const end = issue.text.endsWith('.') ? '' : '.';
  return { code: 'badParams', text: cleanText(`${what}: ${issue.text}${end}`), path };
}
