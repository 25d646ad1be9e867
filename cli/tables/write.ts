/** Tables to files and to stdout. */
import { createWriteStream } from 'node:fs';
import { realpath, rename, rm, stat } from 'node:fs/promises';
import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { tableToIPC, type Table } from 'apache-arrow';
import { Failure, fileError, reasonOf } from '../failure.js';
import { writeCsv } from './csv.js';
import type { Format } from './formats.js';
import { writeJson, writeNdjson } from './json.js';
import { writeParquet } from './parquet.js';

type Chunks = Iterable<string | Uint8Array> | AsyncIterable<string | Uint8Array>;

const WRITERS: Readonly<Record<Format, (table: Table, delimiter: string) => Chunks | Promise<Chunks>>> = {
  csv: writeCsv,
  tsv: (table) => writeCsv(table, '\t'),
  json: writeJson,
  ndjson: writeNdjson,
  arrow: (table) => [tableToIPC(table, 'file')],
  arrows: (table) => [tableToIPC(table, 'stream')],
  parquet: async (table) => [await writeParquet(table)],
};

/** What there is already, by its own name: a link goes on leading to it. */
async function existing(file: string): Promise<{ path: string; isRegular: boolean }> {
  try {
    const path = await realpath(file);
    return { path, isRegular: (await stat(path)).isFile() };
  } catch {
    return { path: file, isRegular: true };
  }
}

/** A file is there whole or not at all. */
async function toFile(chunks: Chunks, file: string, signal: AbortSignal): Promise<void> {
  const { path, isRegular } = await existing(file);
  const written = isRegular ? `${path}.${process.pid}.tmp` : path;
  try {
    await pipeline(Readable.from(chunks, { objectMode: true }), createWriteStream(written), { signal });
    if (isRegular) await rename(written, path);
  } catch (error) {
    if (isRegular) await rm(written, { force: true });
    throw error;
  }
}

export interface Destination {
  /** `-` for stdout. */
  readonly file: string;
  readonly format: Format;
  /** Of CSV. */
  readonly delimiter: string;
}

/** @throws {Failure} */
export async function writeTable(
  table: Table,
  { file, format, delimiter }: Destination,
  stdout: Writable,
  signal: AbortSignal,
): Promise<void> {
  try {
    const chunks = await WRITERS[format](table, delimiter);
    if (file !== '-') await toFile(chunks, file, signal);
    else await pipeline(Readable.from(chunks, { objectMode: true }), stdout, { signal, end: false });
  } catch (error) {
    if (error instanceof Failure || signal.aborted || (error as NodeJS.ErrnoException).code === 'EPIPE')
      throw error;
    throw fileError(`${file}: can't be written: ${reasonOf(error)}`, error);
  }
}
