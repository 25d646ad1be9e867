/** What is wrong with tables that a child has left in memory. Runs in the host's main thread, or beside it. */
import type { OutputTable } from '../protocol/messages.js';
import { DEFAULT_ARROW_LIMITS } from './arrow/validate/limits.js';
import { InvalidArrowError, validateArrow } from './arrow/validate.js';
import { native } from './native.js';
import { MAX_RESULT_COLUMNS, MAX_RESULT_NAME_BYTES } from './result-limits.js';

export interface Fault {
  /** In the result. */
  readonly path: string;
  readonly reason: string;
}

export interface Findings {
  readonly fault: Fault | undefined;
  /** How many dictionary batches each of the tables has, up to the one with the fault. */
  readonly dictionaries: readonly number[];
}

/** A name may come from a hostile child, and is cut. */
export function pathOfTable(name: string): string {
  return `tables.${name.length > MOST_OF_NAME ? `${name.slice(0, MOST_OF_NAME)}…` : name}`;
}

const MOST_OF_NAME = 64;

/** How many dictionary batches a table may have whose dictionaries are read all at once: those of a file. */
const MOST_IN_FILE = 8;

/** A schema with what some writers add takes some 10 KB. */
const LEAST_METADATA_BYTES = 2 ** 16;
const LEAST_NAME_BYTES = 2 ** 12;

/**
 * @param fd sealed, so that what was found stays true
 * @param memory a mapping of it up to the end of the last table
 */
export function findFault(fd: number, memory: ArrayBuffer, tables: readonly OutputTable[]): Findings {
  // SECURITY: reading a hole fills it, with memory that the host would be charged for and the child has not been.
  const hole = native.seekHole(fd);
  const end = memory.byteLength;
  if (hole < end) {
    const reason = `the memory of the tables has a hole at byte ${hole}, before its end at ${end}`;
    return { fault: { path: 'tables', reason }, dictionaries: [] };
  }
  // SECURITY: what is between tables is nobody's, and is not to say anything.
  let used = 0;
  for (const { name, offset, length } of tables) {
    if (new Uint8Array(memory, used, offset - used).some((byte) => byte !== 0)) {
      const reason = `the padding before it, from byte ${used} on, is not zero`;
      return { fault: { path: pathOfTable(name), reason }, dictionaries: [] };
    }
    used = offset + length;
  }
  // SECURITY: what all of them may have, since there may be many.
  const maxChunks = Math.ceil(DEFAULT_ARROW_LIMITS.maxChunks / tables.length);
  const maxVirtualValues = Math.ceil(DEFAULT_ARROW_LIMITS.maxVirtualValues / tables.length);
  const maxMetadataBytes = Math.max(
    LEAST_METADATA_BYTES,
    Math.ceil(DEFAULT_ARROW_LIMITS.maxMetadataBytes / tables.length),
  );
  const maxMetadataEntries = Math.ceil(DEFAULT_ARROW_LIMITS.maxMetadataEntries / tables.length);
  const maxNameBytes = Math.max(LEAST_NAME_BYTES, Math.ceil(MAX_RESULT_NAME_BYTES / tables.length));
  const limits = {
    maxChunks,
    maxVirtualValues,
    maxMetadataBytes,
    maxMetadataEntries,
    maxNameBytes,
    maxColumns: MAX_RESULT_COLUMNS,
  };
  const dictionaries: number[] = [];
  for (const { name, offset, length } of tables) {
    const found = (reason: string): Findings => ({
      fault: { path: pathOfTable(name), reason },
      dictionaries,
    });
    try {
      const { format, numDictionaries } = validateArrow(new Uint8Array(memory, offset, length), limits);
      // No child of ours writes files.
      if (format === 'file' && numDictionaries > MOST_IN_FILE)
        return found(
          `an Arrow file with ${numDictionaries} dictionary batches, which is more than ${MOST_IN_FILE}`,
        );
      dictionaries.push(numDictionaries);
    } catch (error) {
      if (!(error instanceof InvalidArrowError)) throw error;
      return found(error.message);
    }
  }
  return { fault: undefined, dictionaries };
}
