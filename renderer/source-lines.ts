/** Where the lines of a step's code begin. A step may name places in its code thousands of times: they are looked for once. */
import type { Step } from './types.js';

/** Of code, in lines: what lies behind them has no place. So the index of any code takes at most 4 MB. */
const MOST_LINES = 1_000_000;

type Source = Pick<Step, 'code'>;

const known = new WeakMap<Source, Uint32Array>();

/** Offsets in UTF-16 units, and one for the end of the last line, as if it ended with a line feed. */
function startsOf(step: Source): Uint32Array {
  const before = known.get(step);
  if (before !== undefined) return before;
  const { code } = step;
  const starts = [0];
  while (starts.length <= MOST_LINES) {
    const end = code.indexOf('\n', starts.at(-1));
    starts.push(end < 0 ? code.length + 1 : end + 1);
    if (end < 0) break;
  }
  const indexed = Uint32Array.from(starts);
  known.set(step, indexed);
  return indexed;
}

/** The length of a line, which is counted from 1; undefined if there is no such line. */
export function columnsOf(step: Source, line: number): number | undefined {
  const starts = startsOf(step);
  const [start, next] = [starts[line - 1], starts[line]];
  return start === undefined || next === undefined ? undefined : next - start - 1;
}

/** Line and column, counted from 1, of what lies at an offset. */
export function placeOfOffset(
  step: Source,
  offset: number,
): { readonly line: number; readonly column: number } | undefined {
  const starts = startsOf(step);
  const line = starts.findIndex((start) => start > offset);
  const start = starts[line - 1];
  return start === undefined ? undefined : { line, column: offset - start + 1 };
}
