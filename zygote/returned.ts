/** Takes apart what the user's function returned: a value, and tables. */
import type { Table } from 'apache-arrow';

export interface TakenApart {
  readonly value: unknown;
  readonly tables: readonly (readonly [name: string, table: Table])[];
}

/** The name of a table that is returned by itself. */
const ONLY_TABLE = 'table';

type IsTable = (value: unknown) => value is Table;

export function takeApart(returned: unknown, isTable: IsTable): TakenApart {
  if (isTable(returned)) return { value: undefined, tables: [[ONLY_TABLE, returned]] };
  if (typeof returned === 'object' && returned !== null && Object.hasOwn(returned, 'tables')) {
    const { value, tables, ...others } = returned as { value?: unknown; tables: unknown };
    const entries = typeof tables === 'object' && tables !== null ? Object.entries(tables) : undefined;
    // An object that happens to have a property `tables` is a value like any other.
    const areTables = (all: [string, unknown][] | undefined): all is [string, Table][] =>
      all?.every(([, table]) => isTable(table)) === true;
    if (areTables(entries) && Object.keys(others).length === 0) return { value, tables: entries };
  }
  return { value: returned, tables: [] };
}
