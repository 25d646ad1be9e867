/** Tables on their way back: ranges of a memfd that a hostile process has written to. */
import { fstatSync, ftruncate, ftruncateSync } from 'node:fs';
import { promisify } from 'node:util';
import type { RecordBatch, Table } from 'apache-arrow';
import type { OutputTable } from '../protocol/messages.js';
import { loadArrow } from './apache-arrow.js';
import { HostError, ZygoteGoneError } from './errors.js';
import { faultFinder } from './fault-finder.js';
import { messagesInTurns } from './messages-in-turns.js';
import { findFault, pathOfTable } from './find-fault.js';
import { F_SEAL_GROW, F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_WRITE, native } from './native.js';
import { SharedMemory } from './shared-memory.js';
import { rememberMemory } from './table-memory.js';
import { Turn } from './turns.js';

const ftruncateAsync = promisify(ftruncate);

/** The memfd that a child writes its tables to. It can't grow, so the child can't have more memory of it. */
export function createOutput(maxBytes: number): SharedMemory {
  return new SharedMemory(native.createEmptyMemfd('nodespawner-output', maxBytes, F_SEAL_GROW));
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

/** From here on, tables are looked at beside the main thread. */
export const LARGE_BYTES = 128 * 1024;

/**
 * How many dictionary batches are read with the record batch that follows them, which is quickest. Each delta to a
 * dictionary takes as long as there are batches to it so far.
 */
const MOST_AT_ONCE = 8;

const PAGE_BYTES = 4096;

/** As the child's side begins tables: zygote/table-memory.ts. */
const ALIGNMENT = 64;

/** What fcntl(2) and ftruncate(2) say where a child has sealed the memory, or has left it shorter or in use. */
const SEALS_PREVENTED: readonly unknown[] = ['EPERM', 'EBUSY'];

/**
 * Reads the tables when the child and all that it started are gone.
 *
 * SECURITY: nothing can write to the memfd any more, which the seal proves; then every byte that apache-arrow is going
 * to look at is validated, since its reader hangs or goes wrong on corrupt files.
 *
 * @param over when the child's memory is gone too, and with it what it had mapped
 * @throws {BadTableError} for what the child has done; {ZygoteGoneError} of `over`; {HostError} for everything else
 */
export async function readOutput(
  output: SharedMemory,
  maxBytes: number,
  ranges: readonly OutputTable[],
  over: Promise<unknown> = Promise.resolve(),
): Promise<Record<string, Table>> {
  const tables: Record<string, Table> = Object.create(null) as Record<string, Table>;
  if (ranges.length === 0) return tables;
  try {
    const end = await seal(output, maxBytes, ranges, over);
    const memory = native.mapPrivate(output.fd, end);
    const { fault, dictionaries } =
      end > LARGE_BYTES
        ? await faultFinder.find(output.fd, end, ranges)
        : findFault(output.fd, memory, ranges);
    if (fault !== undefined) throw new BadTableError(fault.path, fault.reason);
    // A child that is given one of several tables could read the others, which its caller may not want.
    const [only] = ranges.length === 1 ? ranges : [];
    const turn = new Turn();
    for (const [index, { name, offset, length }] of ranges.entries()) {
      const bytes = new Uint8Array(memory, offset, length);
      const table = await openTable(name, bytes, dictionaries[index] ?? Infinity, turn);
      tables[name] = table;
      if (only !== undefined) {
        output.hold();
        rememberMemory(table, { memory: output, offset, length });
      }
    }
  } catch (error) {
    if (error instanceof BadTableError || error instanceof ZygoteGoneError) throw error;
    throw new HostError('read the tables of a result', error);
  }
  return tables;
}

/** @returns where the last table ends, and with it the memory */
async function seal(
  { fd }: SharedMemory,
  maxBytes: number,
  ranges: readonly OutputTable[],
  over: Promise<unknown>,
): Promise<number> {
  const end = endOf(ranges, maxBytes);
  try {
    try {
      await keepTables(fd, end);
    } catch (error) {
      // A mapping of the child's, which its memory goes with.
      if ((error as NodeJS.ErrnoException).code !== 'EBUSY') throw error;
      await over;
      await keepTables(fd, end);
    }
  } catch (error) {
    if (!SEALS_PREVENTED.includes((error as NodeJS.ErrnoException).code)) throw error;
    const reason = `the memory of the tables can't be sealed: ${(error as Error).message}`;
    throw new BadTableError('tables', reason, { cause: error });
  }
  return end;
}

/**
 * SECURITY: the memory lives as long as a table in it, and a child that maps a part of it can map all of it (mremap(2)).
 * Nothing but tables stays, nor room for more: who reads a page that nobody has written makes one, for all to see.
 */
async function keepTables(fd: number, end: number): Promise<void> {
  if (fstatSync(fd).blocks * 512 > roundUp(end, PAGE_BYTES)) await ftruncateAsync(fd, end);
  else ftruncateSync(fd, end);
  native.addSeals(fd, F_SEAL_SHRINK | F_SEAL_WRITE | F_SEAL_SEAL);
}

/** Where the last table ends. */
function endOf(ranges: readonly OutputTable[], maxBytes: number): number {
  if (ranges.length > MOST_TABLES) {
    throw new BadTableError('tables', `${ranges.length} tables, which is more than ${MOST_TABLES}`);
  }
  // SECURITY: one right after the other, so that there is not more memory than the tables take, and nothing else in it
  // that whoever maps a table could read.
  let used = 0;
  for (const { name, offset, length } of ranges) {
    const start = roundUp(used, ALIGNMENT);
    if (offset !== start || length < 0 || offset + length > maxBytes) {
      const reason = `bytes ${offset} to ${offset + length}, where a table from ${start} to at most ${maxBytes} belongs`;
      throw new BadTableError(pathOfTable(name), reason);
    }
    used = offset + length;
  }
  return used;
}

function roundUp(bytes: number, unit: number): number {
  return Math.ceil(bytes / unit) * unit;
}

/** Opens a table that was found to be fine. Others have a turn in between. */
async function openTable(name: string, bytes: Uint8Array, dictionaries: number, turn: Turn): Promise<Table> {
  const { RecordBatchReader, Table } = await loadArrow();
  try {
    const batches: RecordBatch[] = [];
    if (dictionaries <= MOST_AT_ONCE) {
      for (const batch of RecordBatchReader.from(bytes)) {
        batches.push(batch);
        if (turn.isOver) await turn.next();
      }
    } else {
      for await (const batch of await RecordBatchReader.from(messagesInTurns(bytes, turn)))
        batches.push(batch);
    }
    if (turn.isOver) await turn.next();
    return new Table(batches);
  } catch (error) {
    // Whatever the validator has missed, it was the child who wrote it.
    const reason = `apache-arrow can't read it: ${error instanceof Error ? error.message : String(error)}`;
    throw new BadTableError(pathOfTable(name), reason, { cause: error });
  }
}
