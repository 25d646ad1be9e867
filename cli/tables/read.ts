/**
 * Tables from files. Done by the host, in its own process: SECURITY: files come from the operator, who trusts the parsers with
 * them. Only code, and what it returns, is treated as hostile.
 */
import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import type { Table } from 'apache-arrow';
import { validateArrow, type TableInput } from '../../lib/index.js';
import { Failure, fileError, reasonOf } from '../failure.js';
import { note } from '../output.js';
import { printableLine } from '../printable.js';
import { readCsv } from './csv.js';
import { doubtOf } from './delimiter.js';
import { formatOfContent, formatOfName, type Format } from './formats.js';
import { readJson, readNdjson } from './json.js';
import { readParquet } from './parquet.js';

function readArrow(bytes: Uint8Array): Uint8Array {
  try {
    validateArrow(bytes);
  } catch (error) {
    throw fileError(`it can't be read as Arrow: ${reasonOf(error)}`, error);
  }
  return bytes;
}

type Read = (bytes: Uint8Array, delimiter: string) => TableInput | Promise<TableInput>;

const READERS: Readonly<Record<Format, Read>> = {
  csv: readCsv,
  tsv: (bytes) => readCsv(bytes, '\t'),
  json: readJson,
  ndjson: readNdjson,
  arrow: readArrow,
  arrows: readArrow,
  parquet: readParquet,
};

/** @param file `-` for stdin */
export async function readInput(file: string): Promise<Buffer> {
  try {
    return await (file === '-' ? buffer(process.stdin) : readFile(file));
  } catch (error) {
    throw fileError(`${file}: can't be read: ${reasonOf(error)}`, error);
  }
}

/**
 * @param format by default what the name says, and then the content
 * @param delimiter of CSV
 * @throws {Failure}
 */
export async function readTable(
  file: string,
  format: Format | undefined,
  delimiter: string,
): Promise<TableInput> {
  const bytes = await readInput(file);
  const name = file === '-' ? 'stdin' : file;
  const known = format ?? formatOfName(file) ?? formatOfContent(bytes);
  try {
    const table = await READERS[known](bytes, delimiter);
    const doubt = known === 'csv' ? doubtOf(table as Table, delimiter) : undefined;
    if (doubt !== undefined) note(printableLine(`${name}: ${doubt}`));
    return table;
  } catch (error) {
    if (error instanceof Failure)
      throw new Failure(error.exitCode, error.code, `${name}: ${error.message}`, { cause: error.cause });
    throw fileError(`${name}: can't be read: ${reasonOf(error)}`, error);
  }
}
