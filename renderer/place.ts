/** Where in the source of a step something is, from the text of a stack that the step itself could have written. */
import { toUSVString } from 'node:util';
import type { Place, Step } from './types.js';

/** Of a stack: what is at its top is what went wrong. */
const MOST_LINES = 100;
const MAX_TEXT_LENGTH = 8_192;

/** Text for a person to read: bounded, without control characters that a terminal would obey. */
export function cleanText(text: string): string {
  const bounded = text.length > MAX_TEXT_LENGTH ? `${text.slice(0, MAX_TEXT_LENGTH)}…` : text;
  // eslint-disable-next-line no-control-regex -- they are what is taken out
  return toUSVString(bounded).replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '\u{fffd}');
}

export function filenameOf(step: Pick<Step, 'id' | 'filename'>): string {
  return step.filename ?? `${step.id}.js`;
}

/** The first place in a stack that is in the step's own source. */
export function placeIn(stack: string, step: Step): Place | undefined {
  const filename = filenameOf(step);
  for (const line of stack.split('\n', MOST_LINES)) {
    const start = line.indexOf(`${filename}:`);
    // The name is the whole of one: at the start of the line, or after a space, a parenthesis or a slash.
    if (start < 0 || (start > 0 && !' (/'.includes(line.charAt(start - 1)))) continue;
    const [, row, column] = /^(\d{1,9})(?::(\d{1,9}))?/.exec(line.slice(start + filename.length + 1)) ?? [];
    const place = placeAt(Number(row), Number(column ?? 0), step);
    if (place !== undefined) return place;
  }
  return undefined;
}

/** Undefined if there is no such line. */
export function placeAt(line: unknown, column: unknown, step: Step): Place | undefined {
  if (!Number.isSafeInteger(line) || (line as number) < 1) return undefined;
  if ((line as number) > step.code.split('\n').length) return undefined;
  const known = Number.isSafeInteger(column) && (column as number) > 0 ? (column as number) : 0;
  return { file: filenameOf(step), line: line as number, column: known };
}
