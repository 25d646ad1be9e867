/** Tables on their way back: ranges of a memfd that a hostile process has written to. */
import { ftruncateSync } from 'node:fs';
import type { Table } from 'apache-arrow';
import type { OutputTable } from '../protocol/messages.js';
import { InvalidArrowError, validateArrow } from './arrow/validate.js';
import { HostError } from './errors.js';
import { F_SEAL_GROW, F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_WRITE, native } from './native.js';
import { SharedMemory } from './shared-memory.js';
import { rememberMemory } from './table-memory.js';

/** The memfd that a child writes its tables to. Its size is fixed, so the child can't have more memory of it. */
export function createOutput(maxBytes: number): SharedMemory {
  const fd = native.createMemfd('nodespawner-output');
  try {
    ftruncateSync(fd, maxBytes);
    native.addSeals(fd, F_SEAL_SHRINK | F_SEAL_GROW);
  } catch (error) {
    native.close(fd);
    throw error;
  }
  return new SharedMemory(fd);
}

/** Where a table of the child's is no table, or not where the child said it is. */
export class BadTableError extends Error {
  readonly path: string;

  constructor(path: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.path = path;
  }
}

/** How many tables a result may have. */
const MOST_TABLES = 1_000;

/** What fcntl(2) says where a child has sealed the memory against seals, or has left it in use. */
const SEALS_PREVENTED: readonly unknown[] = ['EPERM', 'EBUSY'];

/**
 * Reads the tables when the child and all that it started are gone.
 *
 * SECURITY: nothing can write to the memfd any more, which the seal proves; then every byte that apache-arrow is going
 * to look at is validated, since its reader hangs or goes wrong on corrupt files.
 *
 * @throws {BadTableError} for what the child has done; {HostError} for everything else
 */
export async function readOutput(
  output: SharedMemory,
  maxBytes: number,
  ranges: readonly OutputTable[],
): Promise<Record<string, Table>> {
  const tables: Record<string, Table> = Object.create(null) as Record<string, Table>;
  if (ranges.length === 0) return tables;
  try {
    const { tableFromIPC } = await import('apache-arrow');
    const memory = sealAndMap(output, maxBytes, ranges);
    // A child that is given one of several tables could read the others, which its caller may not want.
    const [only] = ranges.length === 1 ? ranges : [];
    for (const [index, { name, offset, length }] of ranges.entries()) {
      // Others have a turn between two tables.
      if (index > 0) await new Promise(setImmediate);
      const table = readTable(name, new Uint8Array(memory, offset, length), tableFromIPC);
      tables[name] = table;
      if (only !== undefined) {
        output.hold();
        rememberMemory(table, { memory: output, offset, length });
      }
    }
  } catch (error) {
    throw error instanceof BadTableError ? error : new HostError('read the tables of a result', error);
  }
  return tables;
}

function sealAndMap({ fd }: SharedMemory, maxBytes: number, ranges: readonly OutputTable[]): ArrayBuffer {
  try {
    native.addSeals(fd, F_SEAL_WRITE | F_SEAL_SEAL);
  } catch (error) {
    if (!SEALS_PREVENTED.includes((error as NodeJS.ErrnoException).code)) throw error;
    const reason = `the memory of the tables can't be sealed: ${(error as Error).message}`;
    throw new BadTableError('tables', reason, { cause: error });
  }
  if (ranges.length > MOST_TABLES) {
    throw new BadTableError('tables', `${ranges.length} tables, which is more than ${MOST_TABLES}`);
  }
  // SECURITY: one after the other, so that what there is to read is not more than the memory that it takes.
  let used = 0;
  for (const { name, offset, length } of ranges) {
    const isInside = offset >= used && length >= 0 && offset + length <= maxBytes;
    if (!isInside || offset % 64 !== 0) {
      const reason = `bytes ${offset} to ${offset + length}, where ${used} to ${maxBytes} are left`;
      throw new BadTableError(`tables.${name}`, reason);
    }
    used = offset + length;
  }
  // SECURITY: reading a hole fills it, with memory that the host would be charged for and the child has not been.
  const hole = native.seekHole(fd);
  if (hole < used) {
    throw new BadTableError(
      'tables',
      `the memory of the tables has a hole at byte ${hole}, before its end at ${used}`,
    );
  }
  return native.mapPrivate(fd, used);
}

function readTable(name: string, bytes: Uint8Array, tableFromIPC: (bytes: Uint8Array) => Table): Table {
  try {
    validateArrow(bytes);
  } catch (error) {
    if (!(error instanceof InvalidArrowError)) throw error;
    throw new BadTableError(`tables.${name}`, error.message, { cause: error });
  }
  try {
    return tableFromIPC(bytes);
  } catch (error) {
    // Whatever the validator has missed, it was the child who wrote it.
    const reason = `apache-arrow can't read it: ${error instanceof Error ? error.message : String(error)}`;
    throw new BadTableError(`tables.${name}`, reason, { cause: error });
  }
}
