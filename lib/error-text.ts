/** A user's error in words for its user: with its causes, and without where things lie on the host. */
import type { ErrorDescription } from './types.js';

/** Of each cause, in UTF-16 units. There are at most eight. */
const MAX_CAUSE_LENGTH = 500;

/** In a stack, before the name of a preloaded package. Of bounded length: whoever wrote the text could make it slow. */
const PACKAGE_FOLDER = /(?:file:\/\/)?\/[^\s'"`()]{0,400}\/node_modules\//g;

type Described = Pick<ErrorDescription, 'name' | 'message' | 'code'>;

const said = ({ name, message, code = '' }: Described): string => {
  const text = message === '' ? code : message;
  // The name of most errors says nothing.
  return name === 'Error' || name === 'NonError' || text === '' ? text : `${name}: ${text}`;
};

/** `TypeError: fetch failed: connect ECONNREFUSED 192.0.2.1:80`: the error and what it was caused by, each once. */
export function errorText({ name, message, causes }: Described & Pick<ErrorDescription, 'causes'>): string {
  const all = new Set(causes.map(said).map((text) => bounded(text, MAX_CAUSE_LENGTH)));
  const told = [...all].filter((text) => text !== '' && !message.includes(text));
  const head = message === '' ? name : `${name}: ${message}`;
  return withoutHostPaths(told.length === 0 ? head : `${head}: ${told.join('; ')}`);
}

/** `arquero/src/util/error.js` is all that a user knows of where a package lies. */
export function withoutHostPaths(text: string): string {
  return text.replace(PACKAGE_FOLDER, '');
}

function bounded(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length)}…` : text;
}
