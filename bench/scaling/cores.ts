/** What calls cost, and how many there are in a second, on so many cores. */
import { execFileSync } from 'node:child_process';
import { zygoteTree } from '../../test/helpers/processes.js';
import { MARK, newMark } from '../../test/helpers/zygote.js';
import { summarize } from '../statistics.js';
import { callsPerSecond } from '../throughput.js';
import { startZygote } from '../zygotes.js';
import { usageOf } from './process-usage.js';

export interface CoreFigures {
  readonly cores: number;
  /** For each window. */
  readonly perSecond: readonly number[];
  /** CPU time of a call, in milliseconds. What the kernel does later, when it takes namespaces apart, is not in it. */
  readonly hostMs: number;
  readonly zygoteMs: number;
  readonly childMs: number;
  /** Page faults of a child. */
  readonly faults: number;
}

/** Keeps this process, and what it starts from now on, to the first of its cores. */
function useCores(cores: number): void {
  execFileSync('taskset', ['--all-tasks', '--cpu-list', '--pid', `0-${cores - 1}`, String(process.pid)], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

export async function onCores(cores: number, windows: number, windowMs: number): Promise<CoreFigures> {
  useCores(cores);
  const mark = newMark();
  await using zygote = await startZygote([], { env: { [MARK]: mark } });
  const pid = zygoteTree(mark)?.zygote.pid;
  if (pid === undefined) throw new Error('the zygote is gone');
  // Twice as many as cores: one of them always has something to do.
  const window = callsPerSecond(zygote, 2 * cores);
  await window(windowMs / 2);
  const perSecond: number[] = [];
  const [before, host] = [usageOf(pid), process.cpuUsage()];
  let calls = 0;
  for (let i = 0; i < windows; i++) {
    const began = performance.now();
    const rate = await window(windowMs);
    calls += (rate * (performance.now() - began)) / 1000;
    perSecond.push(rate);
  }
  if (calls === 0) throw new Error('no call ended');
  const [after, { user, system }] = [usageOf(pid), process.cpuUsage(host)];
  return {
    cores,
    perSecond,
    hostMs: (user + system) / 1000 / calls,
    zygoteMs: (after.ownMs - before.ownMs) / calls,
    childMs: (after.childrenMs - before.childrenMs) / calls,
    faults: (after.childrenFaults - before.childrenFaults) / calls,
  };
}

/** Those of the same number of cores, from several runs, as one. */
export function merged(runs: readonly CoreFigures[]): CoreFigures {
  const mean = (of: (figures: CoreFigures) => number): number => summarize(runs.map(of)).mean;
  return {
    cores: mean(({ cores }) => cores),
    perSecond: runs.flatMap(({ perSecond }) => perSecond),
    hostMs: mean(({ hostMs }) => hostMs),
    zygoteMs: mean(({ zygoteMs }) => zygoteMs),
    childMs: mean(({ childMs }) => childMs),
    faults: mean(({ faults }) => faults),
  };
}
