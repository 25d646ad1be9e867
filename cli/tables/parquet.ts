/** Parquet, by parquet-wasm, which is 15 MB and therefore only there where it was asked for. */
import { tableToIPC, type Table } from 'apache-arrow';
import type * as Parquet from 'parquet-wasm/node';
import { EXIT, Failure, fileError } from '../failure.js';

async function load(): Promise<typeof Parquet> {
  try {
    return await import('parquet-wasm/node');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw cause;
    const message = 'Parquet needs the package parquet-wasm beside nodespawner: npm install parquet-wasm@0.8';
    throw new Failure(EXIT.usage, 'ERR_NO_PARQUET', message, { cause });
  }
}

/** What WebAssembly throws is no Error of this realm's. */
const messageOf = (error: unknown): string =>
  typeof error === 'object' && error !== null && 'message' in error ? String(error.message) : String(error);

/** @returns an Arrow IPC stream */
export async function readParquet(bytes: Uint8Array): Promise<Uint8Array> {
  const { readParquet: read } = await load();
  try {
    return read(bytes).intoIPCStream();
  } catch (error) {
    throw fileError(`it can't be read as Parquet: ${messageOf(error)}`, error);
  }
}

/** Compressed with zstd. */
export async function writeParquet(table: Table): Promise<Uint8Array> {
  const parquet = await load();
  try {
    const properties = new parquet.WriterPropertiesBuilder().setCompression(parquet.Compression.ZSTD).build();
    return parquet.writeParquet(parquet.Table.fromIPCStream(tableToIPC(table, 'stream')), properties);
  } catch (error) {
    throw fileError(`the table can't be written as Parquet: ${messageOf(error)}`, error);
  }
}
