/** Measures all parts on one Node, each in a process of its own, and says what was found as soon as it is. */
import type { idle } from './idle.js';
import type { latency } from './latency.js';
import type { layers } from './layers.js';
import type { Measured, nodeVersion } from './measured.js';
import type { memory } from './memory.js';
import type { peers } from './peers.js';
import { onNode } from './on-node.js';
import type { Part, Plan } from './plan.js';
import { reportIdle } from './report/idle.js';
import { reportLatency } from './report/latency.js';
import { reportLayers } from './report/layers.js';
import { reportMemory } from './report/memory.js';
import { reportPeers } from './report/peers.js';
import { reportStart } from './report/start.js';
import { reportTables } from './report/tables.js';
import { reportThroughput } from './report/throughput.js';
import { reportTrace } from './report/trace.js';
import type { start } from './start.js';
import type { tables } from './tables.js';
import type { throughput } from './throughput.js';
import type { trace } from './trace.js';

type Measures = Partial<Measured>;

export async function measure(
  execPath: string,
  plan: Plan,
  withTrace: boolean,
  say: (report: string) => void,
): Promise<Measured> {
  /** Runs a function of a module of the same name, keeps what it gives under that name, and reports it. */
  async function run<F extends (plan: Plan) => Promise<unknown>>(
    name: Part | 'trace',
    report: (result: Awaited<ReturnType<F>>) => string,
  ): Promise<Measures> {
    const result = await onNode<Awaited<ReturnType<F>>>(execPath, `./${name}.js`, name, plan);
    say(report(result));
    return { [name]: result };
  }
  const parts: Record<Part, () => Promise<Measures>> = {
    latency: () => run<typeof latency>('latency', reportLatency),
    peers: () => run<typeof peers>('peers', reportPeers),
    start: () => run<typeof start>('start', reportStart),
    layers: () => run<typeof layers>('layers', reportLayers),
    idle: () => run<typeof idle>('idle', reportIdle),
    tables: () => run<typeof tables>('tables', reportTables),
    throughput: () => run<typeof throughput>('throughput', reportThroughput),
    memory: () => run<typeof memory>('memory', reportMemory),
  };
  const version = await onNode<ReturnType<typeof nodeVersion>>(execPath, './measured.js', 'nodeVersion');
  const flags = version.flags.length === 0 ? 'default flags' : version.flags.join(' ');
  say(`Node ${version.node} (V8 ${version.v8}), ${flags}`);
  let measured: Measured = version;
  for (const part of plan.parts) measured = { ...measured, ...(await parts[part]()) };
  if (withTrace) measured = { ...measured, ...(await run<typeof trace>('trace', reportTrace)) };
  return measured;
}
