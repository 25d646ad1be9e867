/** The start-up benchmark of `npm run bench`, without a checkout: bench/ has what is measured. */
import os from 'node:os';
import { calls, type CallName } from '../../bench/calls.js';
import { rotate } from '../../bench/rotate.js';
import { summarize } from '../../bench/statistics.js';
import { startOnDemand, startZygote } from '../../bench/zygotes.js';
import type { Arguments } from '../arguments.js';
import { DEFAULT_PLAIN, DEFAULT_SPAWNS } from '../commands/bench.js';
import { EXIT } from '../failure.js';
import { interruption } from '../interrupt.js';
import { printJson } from '../output.js';
import { progress } from '../progress.js';
import { wholeNumber } from '../units.js';
import { show, type Measured } from './show.js';

/** Rounds before those that count. */
const WARM_UP = 5;

async function measure(spawns: number, plain: number): Promise<Record<CallName, number[]>> {
  await using parked = await startZygote([]);
  await using onDemand = await startOnDemand([]);
  const line = progress();
  try {
    return await rotate(calls(parked, onDemand, spawns, plain), Math.min(WARM_UP, spawns), (round) => {
      interruption.throwIfAborted();
      line.show(round < 0 ? 'warming up' : `round ${round + 1} of ${spawns}`);
    });
  } finally {
    line.end();
  }
}

export async function bench(given: Arguments): Promise<number> {
  const spawns = wholeNumber('spawns', given.one('spawns') ?? String(DEFAULT_SPAWNS));
  const plain = wholeNumber('plain', given.one('plain') ?? String(DEFAULT_PLAIN));
  const machine = {
    node: process.version,
    kernel: os.release(),
    cpu: os.cpus()[0]?.model ?? 'unknown',
    cores: os.availableParallelism(),
  };
  const loadBefore = os.loadavg();
  const series = await measure(spawns, plain);
  const measured: Measured = { ...machine, load: { before: loadBefore, after: os.loadavg() }, series };
  if (given.has('json')) {
    const summary = Object.fromEntries(
      Object.entries(series).map(([name, values]) => [name, summarize(values)]),
    );
    printJson({ ...measured, summary });
  } else show(measured);
  return EXIT.ok;
}
