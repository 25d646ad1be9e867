/**
 * Measures on the Node that runs it: all contestants in turn, so that whatever else the machine does hits each of them.
 * Started by main.ts, which gets the series over IPC.
 */
import { Zygote } from '../lib/index.js';
import { startCloneFloor } from './clone-floor.js';
import {
  nodespawnerFirstLine,
  nodespawnerRoundTrip,
  plainNodeFirstLine,
  plainNodeRoundTrip,
  type Contestant,
} from './contestants.js';

export interface Plan {
  /** How often nodespawner is measured. */
  readonly spawns: number;
  /** How often a plain node, which takes much longer. */
  readonly plainSpawns: number;
  /** Rounds before those that count. */
  readonly warmUp: number;
  /** What the zygote loads besides apache-arrow. */
  readonly preload: readonly string[];
}

/** In milliseconds, by name. */
export type Series = Record<
  'floor' | 'firstLine' | 'roundTrip' | 'plainFirstLine' | 'plainRoundTrip',
  number[]
>;

export interface Measured {
  readonly node: string;
  readonly v8: string;
  readonly flags: readonly string[];
  /** Threads of each child besides its main one. */
  readonly threads: number;
  readonly zygoteStartMs: number;
  readonly series: Series;
}

export async function measure({ spawns, plainSpawns, warmUp, preload }: Plan): Promise<Measured> {
  const started = performance.now();
  const zygote = await Zygote.start({ preload: ['apache-arrow', ...preload], from: import.meta.url });
  const zygoteStartMs = performance.now() - started;
  const floor = startCloneFloor();
  const each: Partial<Record<keyof Series, Contestant>> = {
    floor,
    firstLine: nodespawnerFirstLine(zygote),
    roundTrip: nodespawnerRoundTrip(zygote),
  };
  const plain: Partial<Record<keyof Series, Contestant>> = {
    plainFirstLine: plainNodeFirstLine,
    plainRoundTrip: plainNodeRoundTrip,
  };
  const series: Series = { floor: [], firstLine: [], roundTrip: [], plainFirstLine: [], plainRoundTrip: [] };
  const step = Math.max(1, Math.floor(spawns / Math.max(1, plainSpawns)));
  for (let round = -warmUp; round < spawns; round++) {
    const withPlain = round >= 0 && round % step === 0 && series.plainFirstLine.length < plainSpawns;
    const turns = Object.entries(withPlain ? { ...each, ...plain } : each);
    for (const [name, contestant] of turns) {
      const ms = await contestant.measure();
      if (round >= 0) series[name as keyof Series].push(ms);
    }
  }
  const { threads } = zygote;
  await zygote.close();
  await floor[Symbol.asyncDispose]();
  const flags = [...process.execArgv, process.env.NODE_OPTIONS ?? ''].filter((flag) => flag !== '');
  return { node: process.version, v8: process.versions.v8, flags, threads, zygoteStartMs, series };
}
