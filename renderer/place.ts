/** Where in the source of a step something is, from the text of a stack that the step itself could have written. */
import { toUSVString } from 'node:util';
import type { Place } from '../lib/index.js';
import { withoutHostPaths } from '../lib/error-text.js';
import { placesIn } from '../lib/place.js';
import { columnsOf, placeOfOffset } from './source-lines.js';
import type { Step } from './types.js';

const MAX_TEXT_LENGTH = 8_192;
/** Of a stack, before the frames of others are taken out of it. */
const MAX_STACK_LENGTH = 2 * MAX_TEXT_LENGTH;

const FRAME = /^\s+at /;
// eslint-disable-next-line no-control-regex -- they are what is taken out
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/;

const isControl = (unit: number): boolean =>
  unit < 0x20 ? unit !== 0x09 && unit !== 0x0a : unit >= 0x7f && unit <= 0x9f;

/** Text for a person to read: cut to this many UTF-16 units, without control characters that a terminal would obey. */
export function cleanText(text: string, maxLength: number = MAX_TEXT_LENGTH): string {
  const bounded = toUSVString(text.length > maxLength ? `${text.slice(0, maxLength)}…` : text);
  if (!CONTROL.test(bounded)) return bounded;
  // Replacing takes a microsecond for each that is found, which is much where all are.
  const units = Buffer.from(bounded, 'utf16le');
  for (let at = 0; at < units.length; at += 2) {
    if (isControl(units.readUInt16LE(at))) units.writeUInt16LE(0xfffd, at);
  }
  return units.toString('utf16le');
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
  const cut = stack.length > MAX_STACK_LENGTH ? `${stack.slice(0, MAX_STACK_LENGTH)}…` : stack;
  return withoutHostPaths(cut.split('\n').filter(isOwn).join('\n'));
}

/** Where a module is named that there is not: no frame of a stack is there, since nothing has run. */
export function placeOfImport(message: string, step: Step): Place | undefined {
  const [, specifier] = /^Cannot find module '([^']{1,200})'/.exec(message) ?? [];
  if (specifier === undefined) return undefined;
  const { code } = step;
  const found = [`'${specifier}'`, `"${specifier}"`]
    .map((quoted) => code.indexOf(quoted))
    .filter((offset) => offset >= 0);
  if (found.length === 0) return undefined;
  const place = placeOfOffset(step, Math.min(...found));
  return place && { file: filenameOf(step), ...place };
}

/** Undefined if there is no such line; without a column that the line doesn't have. */
export function placeAt(line: unknown, column: unknown, step: Step): Place | undefined {
  if (!Number.isSafeInteger(line) || (line as number) < 1) return undefined;
  const columns = columnsOf(step, line as number);
  if (columns === undefined) return undefined;
  const isThere = Number.isSafeInteger(column) && (column as number) > 0 && (column as number) <= columns + 1;
  return { file: filenameOf(step), line: line as number, column: isThere ? (column as number) : 0 };
}
