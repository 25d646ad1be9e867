/** The bytes of a table that the caller gave, in whichever of the forms. */
import { constants, fstatSync, read, ReadStream } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import type * as Arrow from 'apache-arrow';
import type { RecordBatch, Table } from 'apache-arrow';
import { MAX_BATCH_BYTES } from '../protocol/limits.js';
import { loadArrow } from './apache-arrow.js';
import { InvalidOptionError } from './errors.js';
import { adviceFor } from './look-alike.js';

const readAsync = promisify(read);

const CHUNK_BYTES = 4 * 1024 * 1024;

/** What is copied sooner than written by itself. */
const SMALL_BYTES = 16 * 1024;

export function isTable(value: unknown): value is Table {
  // Not by instanceof: the host may have loaded apache-arrow twice, as CommonJS and as ES modules.
  const table = value as Partial<Table> | null;
  return (
    typeof table === 'object' &&
    table !== null &&
    Array.isArray(table.batches) &&
    typeof table.schema === 'object'
  );
}

export function isRecordBatch(value: unknown): value is RecordBatch {
  const batch = value as Partial<RecordBatch> | null;
  return (
    typeof batch === 'object' &&
    batch !== null &&
    typeof batch.schema === 'object' &&
    typeof batch.data === 'object' &&
    Array.isArray(batch.data.children)
  );
}

function property(value: unknown, name: 'fd' | 'path'): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

/** A ReadStream has a path and a descriptor too, and is read as the stream that it is. */
const isStream = (input: unknown): input is Readable =>
  input instanceof Readable || input instanceof ReadStream;

/** Of what is no table itself: whether it is read by its path. */
export const isPath = (input: unknown): input is { readonly path: string } =>
  !isStream(input) &&
  typeof property(input, 'fd') !== 'number' &&
  typeof property(input, 'path') === 'string';

function assertRegularFile(fd: number, option: string): void {
  let stats;
  try {
    stats = fstatSync(fd);
  } catch {
    throw new InvalidOptionError(option, 'the descriptor of an open file', fd);
  }
  if (!stats.isFile()) throw new InvalidOptionError(option, 'the descriptor of a regular file', fd);
}

async function openFile(path: string, option: string): Promise<FileHandle> {
  try {
    // Opening a named pipe would wait for who writes to it.
    return await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (cause) {
    const { code = 'unknown error' } = cause as NodeJS.ErrnoException;
    throw new InvalidOptionError(`${option}.path`, `the path of a file that can be read (${code})`, path, {
      cause,
    });
  }
}

async function* chunksOfFile(fd: number): AsyncGenerator<Uint8Array> {
  for (let position = 0; ;) {
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    const { bytesRead } = await readAsync(fd, chunk, 0, chunk.byteLength, position);
    if (bytesRead === 0) return;
    yield chunk.subarray(0, bytesRead);
    position += bytesRead;
  }
}

/** A table, or what is as good as one. */
type Batches = Pick<Table, 'schema' | 'batches'>;

/**
 * The copy of apache-arrow that has made a table: what one has made, another's writer gets wrong, since it tells types by
 * their classes. A program can have two of the same package, by `import` and by `require`.
 */
async function libraryOf(table: Batches, option: string): Promise<typeof Arrow> {
  const imported = await loadArrow();
  const made = (by: typeof Arrow): boolean =>
    table.schema.fields.every(({ type }) => type instanceof by.DataType);
  if (made(imported)) return imported;
  const required = createRequire(import.meta.url)('apache-arrow') as typeof Arrow;
  if (made(required)) return required;
  const expected =
    "a table of the apache-arrow that nodespawner has, or the bytes that its own library's tableToIPC() makes of it";
  throw new InvalidOptionError(option, expected, table);
}

/** Not more than a batch at once, and a stream: a file can't have a dictionary that takes the place of another. */
async function* chunksOfTable(table: Batches, option: string): AsyncGenerator<Uint8Array> {
  const { AsyncByteQueue, RecordBatchStreamWriter } = await libraryOf(table, option);
  let chunks: Uint8Array[] = [];
  class Queue extends AsyncByteQueue {
    override write(chunk: Uint8Array): void {
      chunks.push(chunk);
    }
  }
  const take = (): Uint8Array[] => {
    const taken = chunks;
    chunks = [];
    return joined(taken);
  };
  const writer = new RecordBatchStreamWriter();
  writer.reset(new Queue(), table.schema);
  for (const batch of table.batches) {
    writer.write(batch);
    const batchChunks = take();
    if (batchChunks.reduce((sum, { byteLength }) => sum + byteLength, 0) > MAX_BATCH_BYTES) {
      const expected = `a table without record batches of more than ${MAX_BATCH_BYTES} bytes, which apache-arrow can't write`;
      throw new InvalidOptionError(option, expected, table);
    }
    yield* batchChunks;
  }
  writer.finish();
  yield* take();
}

/** Small chunks that follow each other as one: each is a write. */
function joined(chunks: readonly Uint8Array[]): Uint8Array[] {
  const runs: Uint8Array[][] = [];
  let last: Uint8Array[] | undefined;
  for (const chunk of chunks) {
    const isSmall = chunk.byteLength < SMALL_BYTES;
    if (isSmall && last !== undefined) {
      last.push(chunk);
    } else {
      runs.push([chunk]);
      last = isSmall ? runs.at(-1) : undefined;
    }
  }
  return runs.flatMap((run) => (run.length === 1 ? run : Buffer.concat(run)));
}

/**
 * @param option what errors call it
 * @throws {InvalidOptionError}; what reading it throws
 */
export async function* bytesOfTable(input: unknown, option: string): AsyncGenerator<Uint8Array> {
  if (input instanceof Uint8Array) {
    yield input;
    return;
  }
  if (isTable(input)) {
    yield* chunksOfTable(input, option);
    return;
  }
  if (isRecordBatch(input)) {
    yield* chunksOfTable({ schema: input.schema, batches: [input] }, option);
    return;
  }
  if (isStream(input)) {
    for await (const chunk of input as AsyncIterable<unknown>) {
      if (!(chunk instanceof Uint8Array)) throw new InvalidOptionError(option, 'a stream of bytes', chunk);
      yield chunk;
    }
    return;
  }
  const fd = property(input, 'fd');
  if (typeof fd === 'number') {
    assertRegularFile(fd, option);
    yield* chunksOfFile(fd);
    return;
  }
  if (isPath(input)) {
    const { path } = input;
    const file = await openFile(path, option);
    try {
      if (!(await file.stat()).isFile())
        throw new InvalidOptionError(`${option}.path`, 'the path of a regular file', path);
      yield* chunksOfFile(file.fd);
    } finally {
      await file.close();
    }
    return;
  }
  const advice = adviceFor(input);
  const expected = `an Arrow Table or RecordBatch, Arrow IPC bytes, a Readable of them, { fd }, { path } or a SharedTable${advice === undefined ? '' : ` (${advice})`}`;
  throw new InvalidOptionError(option, expected, input);
}
