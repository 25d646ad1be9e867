/** Writes tables into memory that children can map. */
import { constants } from 'node:buffer';
import { checkOutline } from './arrow/outline.js';
import { InvalidArrowError } from './arrow/validate.js';
import { InvalidOptionError } from './errors.js';
import { sealedMemfd, type Placed } from './memfd.js';
import { SharedMemory, type SharedRange } from './shared-memory.js';
import { lookAlikeOf } from './look-alike.js';
import { native } from './native.js';
import { bytesOfTable, isPath, isRecordBatch, isTable } from './table-bytes.js';
import type { TableInput } from './types.js';

/** Arrow's buffers are aligned to 64 bytes within their file, so the file itself has to be (Arrow columnar format). */
const ALIGNMENT = 64;

/** And what errors call it. */
type InputTable = readonly [input: TableInput, option: string];

type Place = Pick<SharedRange, 'offset' | 'length'>;

function align(offset: number): number {
  return Math.ceil(offset / ALIGNMENT) * ALIGNMENT;
}

function assertOutline(bytes: Uint8Array, option: string, input: TableInput): void {
  try {
    checkOutline(bytes);
  } catch (cause) {
    if (!(cause instanceof InvalidArrowError)) throw cause;
    const seen = lookAlikeOf(bytes);
    const why = seen === undefined ? `it isn't: ${cause.message}` : `it is ${seen.what}; ${seen.advice}`;
    const expected = `a whole Arrow IPC file or stream (and ${why})`;
    throw isPath(input)
      ? new InvalidOptionError(`${option}.path`, `the path of ${expected}`, input.path, { cause })
      : new InvalidOptionError(option, expected, input, { cause });
  }
}

/** Of those that came as bytes, but not all at once. */
function assertOutlines(memory: SharedMemory, places: readonly Place[], tables: readonly InputTable[]): void {
  const pieced = tables.flatMap(([input, option], index) => {
    const isWhole = input instanceof Uint8Array || isTable(input) || isRecordBatch(input);
    const place = places[index];
    return isWhole || place === undefined ? [] : [{ input, option, ...place }];
  });
  const last = pieced.at(-1);
  if (last === undefined) return;
  const mapped = native.mapPrivate(memory.fd, last.offset + last.length);
  try {
    for (const { input, option, offset, length } of pieced)
      assertOutline(new Uint8Array(mapped, offset, length), option, input);
  } finally {
    native.unmap(mapped);
  }
}

/**
 * Writes tables to a sealed memfd, one after the other. Each of the ranges is one hold on the memory.
 *
 * @param maxBytes of all of them: Node 20 can't map more than 4 GB at once
 * @throws {InvalidOptionError}
 */
export async function copyTables(
  tables: readonly InputTable[],
  maxBytes: number = constants.MAX_LENGTH,
): Promise<SharedRange[]> {
  const places: Place[] = [];
  async function* contents(): AsyncGenerator<Placed> {
    let offset = 0;
    for (const [input, option] of tables) {
      if (input instanceof Uint8Array) assertOutline(input, option, input);
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
  try {
    assertOutlines(memory, places, tables);
  } catch (error) {
    memory.release();
    throw error;
  }
  for (let holders = 1; holders < places.length; holders++) memory.hold();
  return places.map((place) => ({ memory, ...place }));
}
