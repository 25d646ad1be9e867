/**
 * What a child says that the function of a step returned.
 *
 * SECURITY: the step's code may have written it itself, in the place of the adapter: every field is looked at.
 */
import type { PlainValue } from '../lib/index.js';
import { cleanText, placeAt, placeIn } from './place.js';
import type { Message, MessageCode, Step, Validation } from './types.js';

/** What was given, or why it can't be used: `bad` is the end of a sentence about the step. */
export type Given =
  | { readonly value: PlainValue; readonly warnings: readonly Message[]; readonly errors: readonly Message[] }
  | { readonly bad: string };

/** So many messages of each kind are kept. */
const MOST_MESSAGES = 100;

/** Of what else a module exports, so many names are told, and so many UTF-16 units of each. */
const MOST_NAMES = 10;
const MAX_NAME_LENGTH = 100;

const EXPORTS = ['render', 'fetch', 'migrateParams'] as const;

type Fields = Readonly<Record<string, PlainValue>>;

function isFields(value: PlainValue | undefined): value is Record<string, PlainValue> {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof Map) &&
    !(value instanceof Date) &&
    !(value instanceof Uint8Array)
  );
}

function badOf(value: PlainValue): { readonly bad: string } | undefined {
  if (!isFields(value)) return { bad: 'it gave something else than what was asked for' };
  return typeof value.bad === 'string' ? { bad: cleanText(value.bad) } : undefined;
}

/** What `fetch` or `render` gave. */
export function readGiven(value: PlainValue, step: Step): Given {
  const bad = badOf(value);
  if (bad !== undefined) return bad;
  const said = value as Fields;
  const warnings = readMessages(said.warnings, 'reported', step);
  const errors = readMessages(said.errors, 'reported', step);
  if (warnings === undefined || errors === undefined || said.value === undefined) {
    return { bad: 'it gave something else than what was asked for' };
  }
  return { value: said.value, warnings, errors };
}

/** What `migrateParams` returned. */
export function readParams(value: PlainValue): { readonly params: PlainValue } | { readonly bad: string } {
  const bad = badOf(value);
  if (bad !== undefined) return bad;
  const { params } = value as Fields;
  return params === undefined ? { bad: 'it gave no params' } : { params };
}

/** What the module exports. */
export function readExports(
  value: PlainValue,
): Pick<Validation, 'exports'> & { readonly others: readonly string[] } {
  const { exports, others } = isFields(value) ? value : {};
  const names = Array.isArray(exports) ? exports : [];
  const found = Array.isArray(others)
    ? others.slice(0, MOST_NAMES).filter((name) => typeof name === 'string')
    : [];
  return {
    exports: EXPORTS.filter((name) => names.includes(name)),
    others: found.map((name) => cleanText(name, MAX_NAME_LENGTH)),
  };
}

function readMessages(value: PlainValue | undefined, code: MessageCode, step: Step): Message[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const messages: Message[] = [];
  for (const said of value.slice(0, MOST_MESSAGES)) {
    if (!isFields(said) || typeof said.text !== 'string') return undefined;
    const { text, line, column, stack } = said;
    const place = typeof stack === 'string' ? placeIn(stack, step) : placeAt(line, column, step);
    messages.push({ code, text: cleanText(text), ...(place && { place }) });
  }
  return messages;
}
