/** Writes tables into memory that children can map. */
import { constants } from 'node:buffer';
import { checkOutline } from './arrow/outline.js';
import { InvalidArrowError } from './arrow/validate.js';
import { InvalidOptionError } from './errors.js';
import { isSmall, sealedMemfd, sealedMemfdOf, type Placed } from './memfd.js';
import { SharedMemory, type SharedRange } from './shared-memory.js';
import { lookAlikeOf } from './look-alike.js';
import { native } from './native.js';
import { bytesOfTable, isPath, isRecordBatch, isTable } from './table-bytes.js';
import type { TableInput } from './types.js';

/** Arrow's buffers are aligned to 64 bytes within their file, so the file itself has to be (Arrow columnar format). */
const ALIGNMENT = 64;

/** And what errors call it. */
export type InputTable<Input = TableInput> = readonly [input: Input, option: string];

type Place = Pick<SharedRange, 'offset' | 'length'>;

interface Copies {
  readonly memory: SharedMemory;
  readonly places: readonly Place[];
}

const MEMFD_NAME = 'nodespawner-input';

function align(offset: number): number {
  return Math.ceil(offset / ALIGNMENT) * ALIGNMENT;
}

/** @throws {InvalidOptionError} where they are no whole table */
export function assertOutline(bytes: Uint8Array, option: string, input: TableInput): void {
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

/** Whether the bytes of all are there, and can be written at once. */
function areAtHand(tables: readonly InputTable[]): tables is readonly InputTable<Uint8Array>[] {
  return tables.every(([input]) => input instanceof Uint8Array && isSmall(input));
}

const tooLarge = (option: string, maxBytes: number, input: TableInput): InvalidOptionError =>
  new InvalidOptionError(option, `with all others at most ${maxBytes} bytes`, input);

/** What most calls give, in as few steps as possible. */
function copyAtOnce(tables: readonly InputTable<Uint8Array>[], maxBytes: number): Copies {
  const places: Place[] = [];
  let offset = 0;
  for (const [bytes, option] of tables) {
    assertOutline(bytes, option, bytes);
    const length = bytes.byteLength;
    if (offset + length > maxBytes) throw tooLarge(option, maxBytes, bytes);
    places.push({ offset, length });
    offset = align(offset + length);
  }
  const pieces = tables.map(([bytes]) => bytes);
  const positions = places.map((place) => place.offset);
  return { memory: new SharedMemory(sealedMemfdOf(MEMFD_NAME, pieces, positions)), places };
}

async function copyInPieces(tables: readonly InputTable[], maxBytes: number): Promise<Copies> {
  const places: Place[] = [];
  async function* contents(): AsyncGenerator<Placed> {
    let offset = 0;
    for (const [input, option] of tables) {
      if (input instanceof Uint8Array) assertOutline(input, option, input);
      let length = 0;
      for await (const chunk of bytesOfTable(input, option)) {
        if (offset + length + chunk.byteLength > maxBytes) throw tooLarge(option, maxBytes, input);
        yield [offset + length, chunk];
        length += chunk.byteLength;
      }
      places.push({ offset, length });
      offset = align(offset + length);
    }
  }
  const memory = new SharedMemory(await sealedMemfd(MEMFD_NAME, contents()));
  try {
    assertOutlines(memory, places, tables);
  } catch (error) {
    memory.release();
    throw error;
  }
  return { memory, places };
}

function rangesOf({ memory, places }: Copies): SharedRange[] {
  for (let holders = 1; holders < places.length; holders++) memory.hold();
  return places.map((place) => ({ memory, ...place }));
}

/**
 * Writes tables to a sealed memfd, one after the other. Each of the ranges is one hold on the memory.
 *
 * @param maxBytes of all of them: Node 20 can't map more than 4 GB at once
 * @returns a promise unless all of them are small and bytes
 * @throws {InvalidOptionError}
 */
export function copyTables(
  tables: readonly InputTable[],
  maxBytes: number = constants.MAX_LENGTH,
): SharedRange[] | Promise<SharedRange[]> {
  if (areAtHand(tables)) return rangesOf(copyAtOnce(tables, maxBytes));
  return copyInPieces(tables, maxBytes).then(rangesOf);
}
