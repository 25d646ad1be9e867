/** All that was measured on one version of Node, as it is kept by --json. */
import type { Idle } from './idle.js';
import type { Latency } from './latency.js';
import type { Layers } from './layers.js';
import type { Machine } from './machine.js';
import type { Memory } from './memory.js';
import type { Peers } from './peers.js';
import type { Plan } from './plan.js';
import type { Start } from './start.js';
import type { TableSize } from './tables.js';
import type { Throughput } from './throughput.js';
import type { Trace } from './trace.js';

export interface NodeVersion {
  readonly node: string;
  readonly v8: string;
  /** What it was started with besides the defaults. */
  readonly flags: readonly string[];
}

export interface Measured extends NodeVersion {
  readonly latency?: Latency;
  readonly peers?: Peers;
  readonly start?: Start;
  readonly layers?: Layers;
  readonly idle?: readonly Idle[];
  readonly tables?: readonly TableSize[];
  readonly throughput?: Throughput;
  readonly memory?: Memory;
  readonly trace?: Trace;
}

/** What a run leaves. */
export interface Run extends Machine {
  readonly plan: Plan;
  readonly measured: readonly Measured[];
  /** As `loadBefore`, when it was over. */
  readonly loadAfter: readonly number[];
}

/** Of the Node that runs this. */
export function nodeVersion(): NodeVersion {
  const flags = [...process.execArgv, process.env.NODE_OPTIONS ?? ''].filter((flag) => flag !== '');
  return { node: process.version, v8: process.versions.v8, flags };
}
