/**
 * Where the tables lie that came out of children, so that they go into the next child as they are, without a copy. Each
 * holds a descriptor; only so many are kept, and who was asked for longest ago is copied again when needed.
 */
import type { Table } from 'apache-arrow';
import { whenCollected } from './collected.js';
import type { SharedRange } from './shared-memory.js';

/** How many descriptors are kept at the most. */
const MOST_KEPT = 128;

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

export function memoryOf(table: Table): SharedRange | undefined {
  const range = ranges.get(table);
  return range !== undefined && kept.has(range) ? range : undefined;
}
