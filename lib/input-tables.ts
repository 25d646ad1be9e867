/** Tables on their way to a child: Arrow IPC files in one sealed memfd, mapped there and not copied. */
import { closeSync, fstatSync, read } from 'node:fs';
import { promisify } from 'node:util';
import type { Table } from 'apache-arrow';
import { InvalidOptionError } from './errors.js';
import { sealedMemfd, type Placed } from './memfd.js';
import type { TableInput } from './types.js';

const readAsync = promisify(read);

export interface PlacedTable {
  readonly name: string;
  readonly offset: number;
  readonly length: number;
}

export interface InputTables {
  /** -1 if there are none. */
  readonly memfd: number;
  readonly tables: readonly PlacedTable[];
  close(): void;
}

const NONE: InputTables = { memfd: -1, tables: [], close: () => undefined };

/** Arrow's buffers are aligned to 64 bytes within their file, so the file itself has to be (Arrow columnar format). */
const ALIGNMENT = 64;
const CHUNK_BYTES = 4 * 1024 * 1024;

function isTable(value: unknown): value is Table {
  // Not by instanceof: the host may have loaded apache-arrow twice, as CommonJS and as ES modules.
  const table = value as Partial<Table> | null;
  return (
    typeof table === 'object' &&
    table !== null &&
    Array.isArray(table.batches) &&
    typeof table.schema === 'object'
  );
}

function isFd(value: unknown): value is { fd: number } {
  const fd = (value as { fd?: unknown } | null)?.fd;
  return Number.isSafeInteger(fd) && (fd as number) >= 0;
}

function sizeOf(fd: number, option: string): number {
  let stats;
  try {
    stats = fstatSync(fd);
  } catch {
    throw new InvalidOptionError(option, 'the descriptor of an open file', fd);
  }
  if (!stats.isFile()) throw new InvalidOptionError(option, 'the descriptor of a regular file', fd);
  return stats.size;
}

async function* chunksOfFile(fd: number, length: number, position: number): AsyncGenerator<Placed> {
  for (let done = 0; done < length;) {
    const chunk = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, length - done));
    const { bytesRead } = await readAsync(fd, chunk, 0, chunk.byteLength, done);
    if (bytesRead === 0) return; // it has become shorter; the child finds the table cut
    yield [position + done, chunk.subarray(0, bytesRead)];
    done += bytesRead;
  }
}

/** @throws {InvalidOptionError} */
export async function placeTables(
  inputs: Readonly<Record<string, TableInput>> | undefined,
): Promise<InputTables> {
  const entries = Object.entries(inputs ?? {});
  if (entries.length === 0) return NONE;
  const tables: PlacedTable[] = [];
  async function* contents(): AsyncGenerator<Placed> {
    let offset = 0;
    for (const [name, input] of entries) {
      let length;
      if (input instanceof Uint8Array) {
        length = input.byteLength;
        yield [offset, input];
      } else if (isTable(input)) {
        const { tableToIPC } = await import('apache-arrow');
        const bytes = tableToIPC(input, 'file');
        length = bytes.byteLength;
        yield [offset, bytes];
      } else if (isFd(input)) {
        length = sizeOf(input.fd, `inputs.tables.${name}`);
        yield* chunksOfFile(input.fd, length, offset);
      } else {
        throw new InvalidOptionError(
          `inputs.tables.${name}`,
          'an Arrow Table, Arrow IPC bytes or { fd }',
          input,
        );
      }
      tables.push({ name, offset, length });
      offset = Math.ceil((offset + length) / ALIGNMENT) * ALIGNMENT;
    }
  }
  const memfd = await sealedMemfd('nodespawner-input', contents());
  return {
    memfd,
    tables,
    close: () => {
      closeSync(memfd);
    },
  };
}
