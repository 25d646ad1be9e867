/** Tables on their way to a child: Arrow IPC files or streams, mapped there in sealed memfds, or in the job if they are small. */
import { types } from 'node:util';
import { INLINE_BYTES } from '../protocol/job-header.js';
import { assertOutline, copyTables, type InputTable } from './copy-tables.js';
import type { SharedRange } from './shared-memory.js';
import { holdRange } from './shared-table.js';
import type { TableInput } from './types.js';

/** Where a table lies, or its bytes, which are the caller's own. */
export type PlacedTable = { readonly name: string } & (
  { readonly range: SharedRange } | { readonly bytes: Uint8Array }
);

export interface InputTables {
  readonly tables: readonly PlacedTable[];
  /** Lets go of all memory that they lie in. */
  release(): void;
}

/** How many bytes of tables go with the job itself, together: half of what a job may have that is a message by itself. */
const MOST_IN_JOB = INLINE_BYTES / 2;

function areSmall(inputs: readonly InputTable[]): inputs is InputTable<Uint8Array>[] {
  let bytes = 0;
  return inputs.every(([input]) => input instanceof Uint8Array && (bytes += input.byteLength) <= MOST_IN_JOB);
}

/**
 * Where it returns no promise, tables can be sent at once, as they were when the caller gave them.
 *
 * @throws {InvalidOptionError}
 */
export function placeTables(
  inputs: Readonly<Record<string, TableInput>> | undefined,
): InputTables | Promise<InputTables> {
  const placed: PlacedTable[] = [];
  const release = (): void => {
    for (const table of placed.splice(0)) if ('range' in table) table.range.memory.release();
  };
  try {
    const names: string[] = [];
    const others: InputTable[] = [];
    for (const [name, input] of Object.entries(inputs ?? {})) {
      const option = `inputs.tables.${name}`;
      const range = holdRange(input, option);
      if (range !== undefined) {
        placed.push({ name, range });
      } else {
        names.push(name);
        others.push([input, option]);
      }
    }
    const given: readonly InputTable[] = others;
    const place = (ranges: readonly SharedRange[]): InputTables => {
      placed.push(...ranges.map((range, index) => ({ name: names[index] ?? '', range })));
      return { tables: [...placed], release };
    };
    if (!areSmall(given)) {
      const ranges = copyTables(given);
      if (!types.isPromise(ranges)) return place(ranges);
      return ranges.then(place, (error: unknown) => {
        release();
        throw error;
      });
    }
    for (const [index, [bytes, option]] of given.entries()) {
      assertOutline(bytes, option, bytes);
      placed.push({ name: names[index] ?? '', bytes });
    }
    return { tables: [...placed], release };
  } catch (error) {
    release();
    throw error;
  }
}
