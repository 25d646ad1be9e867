/**
 * Where the tables lie that came out of children, so that they go into the next child as they are, without a copy. Each
 * holds a descriptor; only so many are kept, and who was asked for longest ago is copied again when needed.
 */
import type { Table } from 'apache-arrow';
import { whenCollected } from './collected.js';
import { maxOpenFiles } from './open-files.js';
import type { SharedRange } from './shared-memory.js';

/** How many descriptors are kept at the most: not more than a small part of those that the process can have. */
const MOST_KEPT = Math.min(128, Math.floor(maxOpenFiles() / 8));

const ranges = new WeakMap<Table, SharedRange>();
/** In the order in which they came. */
const kept = new Set<SharedRange>();

function drop(range: SharedRange): void {
  if (kept.delete(range)) range.memory.release();
}

/** Takes over one hold on the memory. */
export function rememberMemory(table: Table, range: SharedRange): void {
  ranges.set(table, range);
  kept.add(range);
  whenCollected(table, () => {
    drop(range);
  });
  for (const oldest of kept) {
    if (kept.size <= MOST_KEPT) break;
    drop(oldest);
  }
}

/** The table stays readable, and is copied when it is given to a child. */
export function forgetMemory(table: Table): void {
  const range = ranges.get(table);
  if (range !== undefined) drop(range);
}

/** The same for all tables, where descriptors are short. */
export function forgetAllMemory(): void {
  for (const range of kept) drop(range);
}

export function memoryOf(table: Table): SharedRange | undefined {
  const range = ranges.get(table);
  return range !== undefined && kept.has(range) ? range : undefined;
}
