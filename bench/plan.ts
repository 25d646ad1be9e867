/** What is measured, and how often. */

/** In the order in which they are measured, each in a process of its own. */
export const PARTS = [
  'latency',
  'peers',
  'start',
  'layers',
  'idle',
  'tables',
  'throughput',
  'memory',
] as const;
export type Part = (typeof PARTS)[number];
/** What has to be asked for, since it installs things. */
const OPTIONAL: readonly Part[] = ['peers'];
export const USUAL_PARTS: readonly Part[] = PARTS.filter((part) => !OPTIONAL.includes(part));

export interface Plan {
  readonly parts: readonly Part[];
  /** How often nodespawner is measured, with a parked child and without. */
  readonly spawns: number;
  /** How often what takes much longer: a plain node, the start of a zygote, peers. */
  readonly plainSpawns: number;
  /** How often each of many variants: tables of each size, sandboxes without each layer. */
  readonly variantSpawns: number;
  /** Rounds before those that count. */
  readonly warmUp: number;
  /** What the zygote loads besides apache-arrow. */
  readonly preload: readonly string[];
  /** Sizes of tables, in bytes. */
  readonly tableBytes: readonly number[];
  /** For throughput: how many calls are under way at once. */
  readonly atOnce: readonly number[];
  /** For throughput: how often each is measured, and for how long. */
  readonly windows: number;
  readonly windowMs: number;
  /** For memory: how many children are parked. */
  readonly children: readonly number[];
}
