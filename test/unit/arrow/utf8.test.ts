// What is UTF-8, of short strings and long ones.
import { isUtf8 } from 'node:buffer';
import t from 'tap';
import { isString } from '../../../lib/arrow/validate/utf8.js';

/** On both sides of every border that the rules of UTF-8 have. */
const BORDERS = [0, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff]; // prettier-ignore
const ALL = Array.from({ length: 256 }, (_, byte) => byte);

/** How many of all strings of these bytes are judged otherwise than by Node; in the middle of others, and with more behind. */
function differing(columns: readonly (readonly number[])[], behind: number): number {
  const bytes = new Uint8Array(1 + columns.length + behind).fill(0x80);
  const end = bytes.length;
  let count = 0;
  const fill = (column: number): void => {
    const choices = columns[column];
    if (choices === undefined) {
      const string = bytes.subarray(1, end - behind);
      if (isString(bytes, 1, end - behind) !== isUtf8(string)) count++;
      return;
    }
    for (const byte of choices) {
      bytes[1 + column] = byte;
      fill(column + 1);
    }
  };
  fill(0);
  return count;
}

t.test('short strings are judged as Node judges them', (t) => {
  for (const behind of [0, 3]) {
    t.equal(differing([], behind), 0);
    t.equal(differing([ALL], behind), 0);
    t.equal(differing([ALL, ALL], behind), 0);
    t.equal(differing([BORDERS, BORDERS, BORDERS], behind), 0);
    t.equal(differing([BORDERS.filter((byte) => byte > 0xe0), BORDERS, BORDERS, BORDERS], behind), 0);
  }
  t.end();
});

t.test('so are those of any length', (t) => {
  const text = new TextEncoder().encode('aé€𝒳'.repeat(20));
  for (let end = 0; end <= text.length; end++) {
    const start = Math.max(0, end - 70);
    t.equal(isString(text, start, end), isUtf8(text.subarray(start, end)), `${start} to ${end}`);
    t.equal(isString(text, 0, end), isUtf8(text.subarray(0, end)), `up to ${end}`);
  }
  t.end();
});
