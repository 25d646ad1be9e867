/** A user's error in words for its user: with its causes, and without where things lie on the host. */
import type { ErrorDescription } from './types.js';

/** Of each cause, in UTF-16 units. There are at most eight. */
const MAX_CAUSE_LENGTH = 500;

/** Of the error itself, before anything is looked for in it. */
const MAX_LENGTH = 16 * 1024;

/** In a stack, the end of what stands before the name of a preloaded package. */
const PACKAGE_FOLDER = '/node_modules/';
const IN_PATH = /[^\s'"`()]/;

type Described = Pick<ErrorDescription, 'name' | 'message' | 'code'>;

const said = ({ name, message, code = '' }: Described): string => {
  const text = message === '' ? code : message;
  // The name of most errors says nothing.
  return name === 'Error' || name === 'NonError' || text === '' ? text : `${name}: ${text}`;
};

/** `TypeError: fetch failed: connect ECONNREFUSED 192.0.2.1:80`: the error and what it was caused by, each once. */
export function errorText({ causes, ...error }: Described & Pick<ErrorDescription, 'causes'>): string {
  const name = bounded(error.name, MAX_CAUSE_LENGTH);
  const message = bounded(error.message, MAX_LENGTH);
  const all = new Set(causes.map(said).map((text) => bounded(text, MAX_CAUSE_LENGTH)));
  const told = [...all].filter((text) => text !== '' && !message.includes(text));
  const head = message === '' ? name : `${name}: ${message}`;
  return withoutHostPaths(told.length === 0 ? head : `${head}: ${told.join('; ')}`);
}

/** `arquero/src/util/error.js` is all that a user knows of where a package lies. */
export function withoutHostPaths(text: string): string {
  let kept = '';
  let from = 0;
  for (;;) {
    const at = text.indexOf(PACKAGE_FOLDER, from);
    if (at < 0) return kept + text.slice(from);
    const next = at + PACKAGE_FOLDER.length;
    kept += text.slice(from, startOfPath(text, from, at) ?? next);
    from = next;
  }
}

/** Where the path begins that goes on at an offset. No unit of a text is looked at twice, whoever wrote it. */
function startOfPath(text: string, from: number, at: number): number | undefined {
  let slash: number | undefined;
  let start = at;
  while (start > from && IN_PATH.test(text.charAt(start - 1))) {
    start--;
    if (text.charAt(start) === '/') slash = start;
  }
  // A package in the folder of another.
  if (start === from && from > 0) return from;
  if (slash === undefined) return start === at ? at : undefined;
  return text.startsWith('file://', slash - 5) && slash - 5 >= start ? slash - 5 : slash;
}

function bounded(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length)}…` : text;
}
