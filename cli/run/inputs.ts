/** The tables of a step from the command line. */
import type { TableInput } from '../../lib/index.js';
import type { Arguments } from '../arguments.js';
import { usageError } from '../failure.js';
import { delimiterOf } from '../tables/delimiter.js';
import { FORMATS, type Format } from '../tables/formats.js';
import { readTable } from '../tables/read.js';

export function formatNamed(option: string, text: string): Format {
  const format = FORMATS.find((one) => one === text);
  if (format === undefined) throw usageError(`--${option} ${text}: there are ${FORMATS.join(', ')}`);
  return format;
}

export type Tables = Readonly<Record<string, TableInput>>;

/** @throws {Failure} */
export async function tablesOf(given: Arguments, isStdinTaken = false): Promise<Tables> {
  const files = given.pairs('table');
  if (files.filter(([, file]) => file === '-').length + Number(isStdinTaken) > 1)
    throw usageError('stdin can be read once only: give a file instead of one -');
  const formats = new Map(
    given.pairs('table-format').map(([name, text]) => [name, formatNamed('table-format', text)]),
  );
  for (const name of formats.keys())
    if (!files.some(([known]) => known === name))
      throw usageError(`--table-format ${name}: there is no such --table`);
  const delimiter = delimiterOf(given);
  const tables: [string, TableInput][] = [];
  // One after the other: each takes memory while it is read.
  for (const [name, file] of files) tables.push([name, await readTable(file, formats.get(name), delimiter)]);
  return Object.fromEntries(tables);
}
