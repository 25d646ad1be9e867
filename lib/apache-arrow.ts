/** apache-arrow, which hosts load that have to do with tables. */
import type * as Arrow from 'apache-arrow';

let loaded: typeof Arrow | undefined;

/** Loads it once: another import() of what is loaded already takes as long as to open a small table. */
export async function loadArrow(): Promise<typeof Arrow> {
  return (loaded ??= await import('apache-arrow'));
}
