/**
 * Tables from files. Done by the host, in its own process: SECURITY: files come from the operator, who trusts the parsers with
 * them. Only code, and what it returns, is treated as hostile.
 */
import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { validateArrow, type TableInput } from '../../lib/index.js';
import { Failure, fileError, reasonOf } from '../failure.js';
import { readCsv } from './csv.js';
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

const READERS: Readonly<Record<Format, (bytes: Uint8Array) => TableInput | Promise<TableInput>>> = {
  csv: (bytes) => readCsv(bytes, ','),
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
 * @throws {Failure}
 */
export async function readTable(file: string, format: Format | undefined): Promise<TableInput> {
  const bytes = await readInput(file);
  try {
    return await READERS[format ?? formatOfName(file) ?? formatOfContent(bytes)](bytes);
  } catch (error) {
    const name = file === '-' ? 'stdin' : file;
    if (error instanceof Failure)
      throw new Failure(error.exitCode, error.code, `${name}: ${error.message}`, { cause: error.cause });
    throw fileError(`${name}: can't be read: ${reasonOf(error)}`, error);
  }
}
