/** Where the tables go that a step gives. */
import path from 'node:path';
import type { Table } from 'apache-arrow';
import type { Arguments } from '../arguments.js';
import { usageError } from '../failure.js';
import { interruption } from '../interrupt.js';
import { delimiterOf } from '../tables/delimiter.js';
import { FORMATS, formatOfName, type Format } from '../tables/formats.js';
import { writeTable, type Destination } from '../tables/write.js';

export interface Output extends Destination {
  /** Of the table; undefined for the only one. */
  readonly name: string | undefined;
}

/** @throws {Failure} */
export function outputsOf(given: Arguments): readonly Output[] {
  const forced = given.one('format') as Format | undefined;
  const delimiter = delimiterOf(given);
  const texts = given.all('output');
  const outputs = texts.map((text) => {
    const [, name, file = text] = /^([^=/]+)=(.+)$/s.exec(text) ?? [];
    const format = forced ?? formatOfName(file);
    if (format === undefined)
      throw usageError(`--output ${text}: --format is needed, one of ${FORMATS.join(', ')}`);
    return { name, file, format, delimiter };
  });
  const owners = new Map<string, string>();
  for (const [index, { file }] of outputs.entries()) {
    const text = texts[index] ?? file;
    const target = file === '-' ? file : path.resolve(file);
    const other = owners.get(target);
    if (other !== undefined) throw usageError(`--output ${text}: given twice, as ${other} and ${text}`);
    owners.set(target, text);
  }
  if (forced !== undefined && outputs.length === 0) throw usageError('--format is for --output');
  return outputs;
}

export interface Written extends Output {
  readonly table: string;
}

/**
 * @param giver for messages
 * @throws {Failure}
 */
export async function writeOutputs(
  outputs: readonly Output[],
  tables: Readonly<Record<string, Table>>,
  giver = 'the step',
): Promise<readonly Written[]> {
  const names = Object.keys(tables);
  const there = names.length === 0 ? `${giver} gave none` : `${giver} gave ${names.join(', ')}`;
  const chosen = outputs.map((output) => {
    const name = output.name ?? (names.length === 1 ? names[0] : undefined);
    if (name === undefined)
      throw usageError(`--output ${output.file}: say which table, as NAME=FILE; ${there}`);
    if (!Object.hasOwn(tables, name))
      throw usageError(`--output ${name}=${output.file}: no such table; ${there}`);
    return { ...output, table: name };
  });
  for (const { table, ...output } of chosen) {
    const given = tables[table];
    if (given !== undefined) await writeTable(given, output, process.stdout, interruption);
  }
  return chosen;
}
