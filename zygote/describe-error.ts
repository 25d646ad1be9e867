/**
 * Turns whatever a user's code threw into bounded text. Nothing that it is made of can be relied on: it may be no
 * error, have getters that throw, be a proxy, or have a stack that is something else.
 */
import path from 'node:path';
import util from 'node:util';
import { MAX_CAUSES } from '../protocol/limits.js';

export interface ErrorText {
  readonly name: string;
  readonly message: string;
  readonly stack?: string;
  readonly code?: string;
}

export interface DescribedError extends ErrorText {
  /** Its cause, the cause of that, and so on; of an AggregateError what it is an aggregate of. */
  readonly causes: readonly ErrorText[];
}

/** In UTF-16 units. */
export const MAX_NAME_LENGTH = 200;
export const MAX_CODE_LENGTH = 200;
export const MAX_MESSAGE_LENGTH = 8_192;
export const MAX_STACK_LENGTH = 16_384;

/** Frames in files below these are ours. */
const OWN_FOLDERS = ['zygote', 'protocol', 'renderer'].map(
  (folder) => path.join(__dirname, '..', folder) + path.sep,
);
const FRAME = /^\s+at /;
const INTERNAL = /\bnode:internal\//;

export function describeError(thrown: unknown): DescribedError {
  try {
    const [described = describeOne(thrown), ...causes] = withCauses(thrown).map(describeOne);
    return { ...described, causes };
  } catch {
    // Not even describing it was possible, such as with a stack that is nearly full.
    return { name: 'Error', message: 'Something was thrown that could not be described', causes: [] };
  }
}

function withCauses(thrown: unknown): unknown[] {
  const all = new Set([thrown]);
  // It grows while it is gone through.
  for (const error of all) {
    if (all.size > MAX_CAUSES) break;
    if (!isObject(error)) continue;
    const cause = safeGet(error, 'cause');
    if (cause !== undefined) all.add(cause);
    const errors = safeGet(error, 'errors');
    const aggregated = Array.isArray(errors) ? (errors.slice(0, MAX_CAUSES) as unknown[]) : [];
    for (const each of aggregated) all.add(each);
  }
  return [...all].slice(0, MAX_CAUSES + 1);
}

function describeOne(thrown: unknown): ErrorText {
  if (!isObject(thrown)) return notAnError(thrown);
  const message = safeGet(thrown, 'message');
  if (typeof message !== 'string') return notAnError(thrown);
  const name = safeGet(thrown, 'name');
  const described = {
    name: bounded(typeof name === 'string' && name !== '' ? name : 'Error', MAX_NAME_LENGTH),
    message: bounded(message, MAX_MESSAGE_LENGTH),
  };
  const stack = safeGet(thrown, 'stack');
  const code = safeGet(thrown, 'code');
  return {
    ...described,
    ...(typeof stack === 'string' && { stack: usersStack(stack) }),
    ...(typeof code === 'string' && { code: bounded(code, MAX_CODE_LENGTH) }),
  };
}

function notAnError(thrown: unknown): ErrorText {
  if (typeof thrown === 'string') return { name: 'NonError', message: bounded(thrown, MAX_MESSAGE_LENGTH) };
  const message = util.inspect(thrown, {
    customInspect: false,
    depth: 1,
    maxStringLength: MAX_MESSAGE_LENGTH,
  });
  return { name: 'NonError', message: bounded(message, MAX_MESSAGE_LENGTH) };
}

/**
 * The stack without frames of ours, and without those of Node's inside next to them: what calls the user's code, and
 * what its `require` and `import` go through.
 */
function usersStack(stack: string): string {
  // Before it is taken apart: it may be of any length.
  const lines = bounded(stack, 2 * MAX_STACK_LENGTH).split('\n');
  const kept: string[] = [];
  let machinery: string[] = [];
  const endMachinery = (): void => {
    if (!machinery.some(isOurs)) kept.push(...machinery);
    machinery = [];
  };
  for (const line of lines) {
    if (isOursOrInternal(line)) {
      machinery.push(line);
    } else {
      endMachinery();
      kept.push(line);
    }
  }
  endMachinery();
  return bounded(kept.join('\n'), MAX_STACK_LENGTH);
}

function isOurs(line: string): boolean {
  return FRAME.test(line) && OWN_FOLDERS.some((folder) => line.includes(folder));
}

function isOursOrInternal(line: string): boolean {
  return FRAME.test(line) && (INTERNAL.test(line) || isOurs(line));
}

function bounded(text: string, length: number): string {
  // What was cut in the middle of a pair of surrogates, or never was Unicode, would not survive UTF-8.
  if (text.length <= length) return util.toUSVString(text);
  const note = `… (${text.length} characters)`;
  return util.toUSVString(text.slice(0, length - note.length)) + note;
}

function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}

function safeGet(object: object, key: string): unknown {
  try {
    return Reflect.get(object, key);
  } catch {
    return undefined;
  }
}
