/** Tables on their way to a child: Arrow IPC files or streams in sealed memfds, mapped there and not copied. */
import { copyTables } from './copy-tables.js';
import type { SharedRange } from './shared-memory.js';
import { holdRange } from './shared-table.js';
import type { TableInput } from './types.js';

export interface PlacedTable extends SharedRange {
  readonly name: string;
}

export interface InputTables {
  readonly tables: readonly PlacedTable[];
  /** Lets go of all memory that they lie in. */
  release(): void;
}

/** @throws {InvalidOptionError} */
export async function placeTables(
  inputs: Readonly<Record<string, TableInput>> | undefined,
): Promise<InputTables> {
  const placed: PlacedTable[] = [];
  const release = (): void => {
    for (const { memory } of placed.splice(0)) memory.release();
  };
  try {
    const names: string[] = [];
    const inputsToCopy: [input: TableInput, option: string][] = [];
    for (const [name, input] of Object.entries(inputs ?? {})) {
      const option = `inputs.tables.${name}`;
      const range = holdRange(input, option);
      if (range !== undefined) {
        placed.push({ name, ...range });
      } else {
        names.push(name);
        inputsToCopy.push([input, option]);
      }
    }
    if (names.length > 0) {
      const ranges = await copyTables(inputsToCopy);
      placed.push(...ranges.map((range, index) => ({ name: names[index] ?? '', ...range })));
    }
  } catch (error) {
    release();
    throw error;
  }
  return { tables: [...placed], release };
}
