/**
 * Measures on the Node that runs it: all contestants in turn, so that whatever else the machine does hits each of them.
 * Started by main.ts, which gets the series over IPC.
 */
import { setTimeout } from 'node:timers/promises';
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
  /** How often nodespawner is measured, with a parked child and without. */
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
  | 'floor'
  | 'firstLine'
  | 'roundTrip'
  | 'demandFirstLine'
  | 'demandRoundTrip'
  | 'plainFirstLine'
  | 'plainRoundTrip',
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

/** Between two measurements, in milliseconds: children that were asked for ahead of demand are there when it is over. */
const PAUSE_MS = 15;

export async function measure({ spawns, plainSpawns, warmUp, preload }: Plan): Promise<Measured> {
  const options = { preload: ['apache-arrow', ...preload], from: import.meta.url };
  const started = performance.now();
  const parked = await Zygote.start(options);
  const zygoteStartMs = performance.now() - started;
  const onDemand = await Zygote.start({ ...options, pool: { min: 0, max: 0 } });
  const floor = startCloneFloor();
  const each: Partial<Record<keyof Series, Contestant>> = {
    floor,
    firstLine: nodespawnerFirstLine(parked),
    roundTrip: nodespawnerRoundTrip(parked),
    demandFirstLine: nodespawnerFirstLine(onDemand),
    demandRoundTrip: nodespawnerRoundTrip(onDemand),
  };
  const plain: Partial<Record<keyof Series, Contestant>> = {
    plainFirstLine: plainNodeFirstLine,
    plainRoundTrip: plainNodeRoundTrip,
  };
  const names = Object.keys({ ...each, ...plain });
  const series = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Series;
  const step = Math.max(1, Math.floor(spawns / Math.max(1, plainSpawns)));
  for (let round = -warmUp; round < spawns; round++) {
    const withPlain = round >= 0 && round % step === 0 && series.plainFirstLine.length < plainSpawns;
    for (const [name, contestant] of Object.entries(withPlain ? { ...each, ...plain } : each)) {
      await setTimeout(PAUSE_MS);
      const ms = await contestant.measure();
      if (round >= 0) series[name as keyof Series].push(ms);
    }
  }
  const { threads } = parked;
  await Promise.all([parked.close(), onDemand.close()]);
  await floor[Symbol.asyncDispose]();
  const flags = [...process.execArgv, process.env.NODE_OPTIONS ?? ''].filter((flag) => flag !== '');
  return { node: process.version, v8: process.versions.v8, flags, threads, zygoteStartMs, series };
}
