/** Where in the source of a step something is, from the text of a stack that the step itself could have written. */
import { toUSVString } from 'node:util';
import type { Place } from '../lib/index.js';
import { withoutHostPaths } from '../lib/error-text.js';
import { placesIn } from '../lib/place.js';
import type { Step } from './types.js';

const MAX_TEXT_LENGTH = 8_192;

const FRAME = /^\s+at /;

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
  for (const { line, column } of placesIn(stack, filenameOf(step))) {
    const place = placeAt(line, column, step);
    if (place !== undefined) return place;
  }
  return undefined;
}

/** A stack with no frames but those in the step's own source: others say where what is preloaded lies on the host. */
export function ownStack(stack: string, step: Step): string {
  const file = filenameOf(step);
  const isOwn = (line: string): boolean => !FRAME.test(line) || !placesIn(line, file).next().done;
  return withoutHostPaths(stack.split('\n').filter(isOwn).join('\n'));
}

/** Where a module is named that there is not: no frame of a stack is there, since nothing has run. */
export function placeOfImport(message: string, step: Step): Place | undefined {
  const [, specifier] = /^Cannot find module '([^']{1,200})'/.exec(message) ?? [];
  if (specifier === undefined) return undefined;
  for (const [index, line] of step.code.split('\n').entries()) {
    const at = [`'${specifier}'`, `"${specifier}"`]
      .map((quoted) => line.indexOf(quoted))
      .find((column) => column >= 0);
    if (at !== undefined) return placeAt(index + 1, at + 1, step);
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
