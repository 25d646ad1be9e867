/** Writes tables into memory that children can map. */
import { constants } from 'node:buffer';
import { InvalidOptionError } from './errors.js';
import { sealedMemfd, type Placed } from './memfd.js';
import { SharedMemory, type SharedRange } from './shared-memory.js';
import { bytesOfTable } from './table-bytes.js';
import type { TableInput } from './types.js';

/** Arrow's buffers are aligned to 64 bytes within their file, so the file itself has to be (Arrow columnar format). */
const ALIGNMENT = 64;

function align(offset: number): number {
  return Math.ceil(offset / ALIGNMENT) * ALIGNMENT;
}

/**
 * Writes tables to a sealed memfd, one after the other. Each of the ranges is one hold on the memory.
 *
 * @param tables and what errors call them
 * @param maxBytes of all of them: Node 20 can't map more than 4 GB at once
 * @throws {InvalidOptionError}
 */
export async function copyTables(
  tables: readonly (readonly [input: TableInput, option: string])[],
  maxBytes: number = constants.MAX_LENGTH,
): Promise<SharedRange[]> {
  const places: { offset: number; length: number }[] = [];
  async function* contents(): AsyncGenerator<Placed> {
    let offset = 0;
    for (const [input, option] of tables) {
      let length = 0;
      for await (const chunk of bytesOfTable(input, option)) {
        if (offset + length + chunk.byteLength > maxBytes)
          throw new InvalidOptionError(option, `with all others at most ${maxBytes} bytes`, input);
        yield [offset + length, chunk];
        length += chunk.byteLength;
      }
      places.push({ offset, length });
      offset = align(offset + length);
    }
  }
  const memory = new SharedMemory(await sealedMemfd('nodespawner-input', contents()));
  for (let holders = 1; holders < places.length; holders++) memory.hold();
  return places.map((place) => ({ memory, ...place }));
}
