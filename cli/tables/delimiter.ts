/** What is between the cells of CSV. */
import type { Table } from 'apache-arrow';
import type { Arguments, Option } from '../arguments.js';
import { usageError } from '../failure.js';

const DEFAULT = ',';

/** What is hard to write on a command line. */
const NAMED: ReadonlyMap<string, string> = new Map([
  ['tab', '\t'],
  ['\\t', '\t'],
]);

export const DELIMITER_OPTION: Option = {
  name: 'delimiter',
  value: 'CHARACTER',
  about: 'What is between the cells of CSV, in and out: a character, or tab (,).',
};

/** @throws {Failure} */
export function delimiterOf(given: Arguments): string {
  const text = given.one('delimiter') ?? DEFAULT;
  const character = NAMED.get(text) ?? text;
  // What has another meaning in CSV (RFC 4180), or is no text.
  if (!/^[^"\n\r\0\ufeff\ud800-\udfff]$/u.test(character))
    throw usageError(
      `--delimiter '${text}': one character is needed, such as ';', or tab; no quote and no line break`,
    );
  return character;
}

/** What else is usual, where it would be in the only name that there is: how it is given. */
const USUAL: readonly (readonly [character: string, given: string])[] = [
  [';', "';'"],
  ['\t', 'tab'],
  ['|', "'|'"],
  [',', "','"],
];

/** Of the names in the first line. Undefined if they are more than one, or there is nothing else in it. */
export function likelyDelimiter(names: readonly string[], delimiter: string): string | undefined {
  const [name = '', ...others] = names;
  if (others.length > 0) return undefined;
  return USUAL.find(([character]) => character !== delimiter && name.includes(character))?.[1];
}

/** A table that was read, and is hardly what was meant. */
export function doubtOf({ schema }: Table, delimiter: string): string | undefined {
  const names = schema.fields.map(({ name }) => name);
  const meant = likelyDelimiter(names, delimiter);
  return meant === undefined
    ? undefined
    : `it has one column, '${names.join()}'; if it should have more: --delimiter ${meant}`;
}
