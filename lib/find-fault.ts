/** What is wrong with tables that a child has left in memory. Runs in the host's main thread, or beside it. */
import type { OutputTable } from '../protocol/messages.js';
import { DEFAULT_ARROW_LIMITS } from './arrow/validate/limits.js';
import { InvalidArrowError, validateArrow } from './arrow/validate.js';
import { native } from './native.js';
import { MAX_RESULT_COLUMNS } from './result-limits.js';

export interface Fault {
  /** In the result. */
  readonly path: string;
  readonly reason: string;
}

/**
 * @param fd sealed, so that what was found stays true
 * @param memory a mapping of it up to the end of the last table
 */
export function findFault(
  fd: number,
  memory: ArrayBuffer,
  tables: readonly OutputTable[],
): Fault | undefined {
  // SECURITY: reading a hole fills it, with memory that the host would be charged for and the child has not been.
  const hole = native.seekHole(fd);
  const end = memory.byteLength;
  if (hole < end) {
    return {
      path: 'tables',
      reason: `the memory of the tables has a hole at byte ${hole}, before its end at ${end}`,
    };
  }
  // SECURITY: what all of them may have, since there may be many.
  const maxChunks = Math.ceil(DEFAULT_ARROW_LIMITS.maxChunks / tables.length);
  const maxVirtualValues = Math.ceil(DEFAULT_ARROW_LIMITS.maxVirtualValues / tables.length);
  const limits = { maxChunks, maxVirtualValues, maxColumns: MAX_RESULT_COLUMNS };
  for (const { name, offset, length } of tables) {
    try {
      validateArrow(new Uint8Array(memory, offset, length), limits);
    } catch (error) {
      if (!(error instanceof InvalidArrowError)) throw error;
      return { path: `tables.${name}`, reason: error.message };
    }
  }
  return undefined;
}
