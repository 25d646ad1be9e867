/**
 * Makes one helpful error of the several that a text causes when it is compiled in one way after the other: it shows
 * the file name, line and column, and the line itself, and nothing of the machinery.
 */

import { decorateErrorStack } from './internals.js';

/** Where a text is wrong. */
export interface Problem {
  readonly message: string;
  readonly code?: string | undefined;
  /** From 1 on; 0 if unknown. */
  readonly line: number;
  readonly column: number;
}

/** No line is longer than this in an error: what is minified has lines of megabytes. */
const LINE_LENGTH = 120;

/**
 * Reads the position from the lines that Node puts before the stack of a syntax error:
 *
 *     step.js:2
 *     const b = ;
 *               ^
 */
export function problemOf(error: unknown): Problem {
  // Compiling throws nothing else. If it does, it is ours to hear of.
  if (!(error instanceof SyntaxError)) throw error;
  decorateErrorStack(error);
  const { code } = error as { code?: unknown };
  const [first = '', ...lines] = (error.stack ?? '').split('\n', 5);
  const line = Number(/:(\d+)$/.exec(first)?.[1] ?? 0);
  const marker = line === 0 ? '' : lines.find((text) => /^\s*\^/.test(text));
  return {
    message: error.message,
    code: typeof code === 'string' ? code : undefined,
    line,
    column: (marker ?? '').indexOf('^') + 1,
  };
}

/** The one that got furthest: of two grammars, the one that the text was not written for gives up first. */
export function furthest(a: Problem, b: Problem): Problem {
  const isFurther = a.line === b.line ? b.column > a.column : b.line > a.line;
  return isFurther ? b : a;
}

export function toSyntaxError(
  { message, code, line, column }: Problem,
  text: string,
  filename: string,
): SyntaxError {
  const error = new SyntaxError(message);
  if (code !== undefined) Object.assign(error, { code });
  const position = [filename, ...[line, column].filter((number) => number > 0)].join(':');
  error.stack = `${position}\n${excerpt(text, line, column)}\nSyntaxError: ${message}`;
  return error;
}

function excerpt(text: string, line: number, column: number): string {
  const whole = line === 0 ? '' : lineAt(text, line);
  if (whole.trim() === '') return '';
  const from = Math.max(0, Math.min(column - LINE_LENGTH / 2, whole.length - LINE_LENGTH));
  const shown = whole.slice(from, from + LINE_LENGTH);
  if (column === 0) return `${shown}\n`;
  // Tabs stay tabs, so that the mark is below what it marks.
  const indent = shown.slice(0, column - 1 - from).replace(/[^\t]/g, ' ');
  return `${shown}\n${indent}^\n`;
}

function lineAt(text: string, line: number): string {
  let start = 0;
  for (let i = 1; i < line; i++) {
    const end = text.indexOf('\n', start);
    if (end === -1) return '';
    start = end + 1;
  }
  const end = text.indexOf('\n', start);
  return text.slice(start, end === -1 ? text.length : end).replace(/\r$/, '');
}
