/** Tables on their way back: ranges of a memfd that a hostile process has written to. */
import { ftruncateSync } from 'node:fs';
import type { Table } from 'apache-arrow';
import type { OutputTable } from '../protocol/messages.js';
import { validateArrow } from './arrow/validate.js';
import { F_SEAL_GROW, F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_WRITE, native } from './native.js';
import { SharedMemory } from './shared-memory.js';
import { rememberMemory } from './table-memory.js';

/** The memfd that a child writes its tables to. Its size is fixed, so the child can't have more memory of it. */
export function createOutput(maxBytes: number): number {
  const fd = native.createMemfd('nodespawner-output');
  try {
    ftruncateSync(fd, maxBytes);
    native.addSeals(fd, F_SEAL_SHRINK | F_SEAL_GROW);
  } catch (error) {
    native.close(fd);
    throw error;
  }
  return fd;
}

/** Where a table of the child's is no table, or not where the child said it is. */
export class BadTableError extends Error {
  readonly path: string;

  constructor(path: string, message: string) {
    super(message);
    this.path = path;
  }
}

/**
 * Reads the tables when the child and all that it started are gone.
 *
 * SECURITY: nothing can write to the memfd any more, which the seal proves; then every byte that apache-arrow is going
 * to look at is validated, since its reader hangs or goes wrong on corrupt files.
 *
 * @throws {BadTableError}
 */
export async function readOutput(
  fd: number,
  maxBytes: number,
  ranges: readonly OutputTable[],
): Promise<Record<string, Table>> {
  const tables: Record<string, Table> = Object.create(null) as Record<string, Table>;
  if (ranges.length === 0) return tables;
  try {
    native.addSeals(fd, F_SEAL_WRITE | F_SEAL_SEAL);
  } catch (error) {
    throw new BadTableError(
      'tables',
      `the memory of the tables can't be sealed: ${(error as Error).message}`,
    );
  }
  const { tableFromIPC } = await import('apache-arrow');
  let used = 0;
  for (const { name, offset, length } of ranges) {
    if (offset < 0 || length < 0 || offset % 64 !== 0 || offset + length > maxBytes) {
      throw new BadTableError(`tables.${name}`, `bytes ${offset} to ${offset + length} of ${maxBytes}`);
    }
    used = Math.max(used, offset + length);
  }
  const memory = native.mapPrivate(fd, used);
  // A child that is given one of several tables could read the others, which its caller may not want.
  const [only] = ranges.length === 1 ? ranges : [];
  for (const { name, offset, length } of ranges) {
    const bytes = new Uint8Array(memory, offset, length);
    try {
      validateArrow(bytes);
      const table = tableFromIPC(bytes);
      tables[name] = table;
      if (only !== undefined) {
        rememberMemory(table, { memory: new SharedMemory(native.duplicate(fd)), offset, length });
      }
    } catch (error) {
      throw new BadTableError(`tables.${name}`, (error as Error).message);
    }
  }
  return tables;
}
