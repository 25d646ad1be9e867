/** Where in its own source code was, by the text of a stack, which the code itself could have written. */
import type { Place } from './types.js';

/** Of a stack: what is at its top is what went wrong. */
const MOST_LINES = 100;
/** In UTF-16 units, and as much as a child sends of a stack. */
const MAX_LENGTH = 16 * 1024;

/** The lines of the stack that are in the file of this name, from the top. Whether it has such lines is not known here. */
export function* placesIn(stack: string, file: string): Generator<Place> {
  for (const frame of stack.slice(0, MAX_LENGTH).split('\n', MOST_LINES)) {
    const start = frame.indexOf(`${file}:`);
    // The name is the whole of one: at the start of the line, or after a space, a parenthesis or a slash.
    if (start < 0 || (start > 0 && !' (/'.includes(frame.charAt(start - 1)))) continue;
    const [, line, column] = /^(\d{1,9})(?::(\d{1,9}))?/.exec(frame.slice(start + file.length + 1)) ?? [];
    if (Number(line) > 0) yield { file, line: Number(line), column: Number(column ?? 0) };
  }
}
