/** The ratios that are committed, for each major version of Node, and where they are from. */
import { readFileSync, writeFileSync } from 'node:fs';
import type { Machine } from '../machine.js';
import { RATIO_NAMES, type RatioName, type Ratios } from './ratios.js';

export interface Entry {
  readonly node: string;
  readonly machine: string;
  readonly kernel: string;
  /** Over the minutes before it. */
  readonly load: string;
  readonly commit: string;
  readonly date: string;
  /** No times: they hold for one machine. */
  readonly ratios: Ratios;
}

/** By major version. */
export type Baseline = Readonly<Record<string, Entry>>;

/** @throws Error if the file is missing, or isn't a baseline */
export function readBaseline(file: string): Baseline {
  const baseline = JSON.parse(readFileSync(file, 'utf8')) as Baseline;
  for (const [major, { ratios }] of Object.entries(baseline)) {
    for (const [name, ratio] of Object.entries(ratios)) {
      if (!RATIO_NAMES.includes(name as RatioName) || !(ratio > 0))
        throw new Error(`${file}: Node ${major}: '${name}' is ${ratio}: a ratio that is measured is needed`);
    }
  }
  return baseline;
}

export const majorOf = (node: string): string => /\d+/.exec(node)?.[0] ?? node;

export function entryOf(node: string, ratios: Ratios, machine: Machine): Entry {
  const { cores, cpu, memoryGb, kernel, commit, date, loadBefore } = machine;
  return {
    node,
    machine: `${machine.machine}: ${cores} cores of ${cpu}, ${memoryGb} GB`,
    kernel,
    load: loadBefore.map((load) => load.toFixed(1)).join(' '),
    commit,
    date,
    ratios: Object.fromEntries(
      Object.entries(ratios).map(([name, ratio]) => [name, Number(ratio.toPrecision(3))]),
    ),
  };
}

/** Replaces the entries of these versions; the others stay. */
export function writeBaseline(file: string, before: Baseline, entries: readonly Entry[]): void {
  const after = { ...before, ...Object.fromEntries(entries.map((entry) => [majorOf(entry.node), entry])) };
  writeFileSync(file, `${JSON.stringify(after, null, 2)}\n`);
}
