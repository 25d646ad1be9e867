/**
 * Where the time of one call goes. Functions of the addon, and some of the zygote's, are wrapped so that they note the
 * time; nothing of it is in the product. Host and child have the same clock (CLOCK_MONOTONIC).
 */
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { native, REPLY_REAPED } from '../lib/native.js';
import { msSince, tracedCall, whenParked } from './contestants.js';
import type { Plan } from './plan.js';
import { PAUSE_MS } from './rotate.js';
import { now } from './work.js';
import { startOnDemand, startZygote } from './zygotes.js';

/** In the order in which they happen, each with what happens until the next. */
const FROM_THE_JOB_ON = {
  jobReceived: 'child: decodes the job',
  jobDecoded: 'child: standard streams, maps tables in shared memory, if any',
  tablesMapped: 'child: becomes a fresh process (pid, argv, env, clock)',
  fresh: 'child: prepares to run code',
  compiling: 'child: compiles the code',
  compiled: 'child: loads the module, up to its first line',
  firstLine: 'child: the rest of the module, opens the table, the code itself',
  returned: 'child: encodes the result',
  encoded: "child: 'exit' handlers, writes the result",
  resultWritten:
    'kernel: ends the process; zygote: reaps it, waits until all that it started is gone, tells the host',
  gone: 'host: decodes and validates the result',
  settled: '',
} as const;
const CALLED = { called: 'host: checks the arguments, writes the job, makes pipe and memfd' } as const;

/** Of a call that finds no parked child, and of one that does. */
export const PHASES = {
  onDemand: {
    ...CALLED,
    cloneRequested: 'zygote: clones; child: new descriptors, drops capabilities, revives threads, reseeds',
    resumed: 'child: new random numbers, waits for the job',
    ...FROM_THE_JOB_ON,
  },
  parked: {
    ...CALLED,
    jobSent: 'kernel: hands the job over; child: wakes up',
    ...FROM_THE_JOB_ON,
  },
} as const;

export type Way = keyof typeof PHASES;
export const WAYS = Object.keys(PHASES) as Way[];
type KeyOfEach<T> = T extends T ? keyof T : never;
export type Mark = KeyOfEach<(typeof PHASES)[Way]>;

export interface TracedCalls {
  /** For each call: when it was there, in milliseconds from the call on. */
  readonly calls: readonly Readonly<Partial<Record<Mark, number>>>[];
  /** Beside the child's own course: when the host had the result. */
  readonly resultReceived: readonly number[];
}
export type Trace = Readonly<Record<Way, TracedCalls>>;

/** What was noted in the call that is under way. */
let marks = new Map<string, bigint>();
const mark = (name: Mark | 'resultReceived'): void => {
  if (!marks.has(name)) marks.set(name, now());
};

function watchHost(): void {
  const original = { ...native };
  native.sendRequest = (...args) => {
    mark('cloneRequested');
    return original.sendRequest(...args);
  };
  native.sendMessage = (...args) => {
    mark('jobSent');
    original.sendMessage(...args);
  };
  native.receiveReply = (fd) => {
    const reply = original.receiveReply(fd);
    // What is told when its namespaces are gone, too, may come in the next call already.
    if (reply?.kind === REPLY_REAPED) mark('gone');
    return reply;
  };
  native.collect = (fd, maxBytes, stopAfter, onEnd) => {
    original.collect(fd, maxBytes, stopAfter, (...args) => {
      // Of all pipes it is the result's that is closed at its limit.
      if (stopAfter === maxBytes) mark('resultReceived');
      onEnd(...args);
    });
  };
}

export async function trace(plan: Plan): Promise<Trace> {
  watchHost();
  // Without a pool each call has all phases, the clone too.
  const onDemand = await tracedCalls(plan, 'onDemand');
  return { onDemand, parked: await tracedCalls(plan, 'parked') };
}

async function tracedCalls({ variantSpawns, warmUp, preload }: Plan, way: Way): Promise<TracedCalls> {
  const tracer = fileURLToPath(new URL('./trace-child.cjs', import.meta.url));
  const start = way === 'parked' ? startZygote : startOnDemand;
  const zygote = await start([tracer, ...preload]);
  const names = Object.keys(PHASES[way]) as Mark[];
  const calls: Partial<Record<Mark, number>>[] = [];
  const resultReceived: number[] = [];
  for (let i = -warmUp; i < variantSpawns; i++) {
    await setTimeout(PAUSE_MS);
    await whenParked(zygote, way === 'parked')();
    marks = new Map();
    mark('called');
    const { firstLine, stderr } = await tracedCall(zygote);
    mark('settled');
    marks.set('firstLine', firstLine);
    // Whatever else there is to say comes before.
    const [noted = ''] = stderr.trimEnd().split('\n').slice(-1);
    for (const [name, time] of Object.entries(JSON.parse(noted) as Record<string, string>)) {
      marks.set(name, BigInt(time));
    }
    if (i < 0) continue;
    const timeOf = (name: string): bigint => {
      const time = marks.get(name);
      if (time === undefined) throw new Error(`'${name}' was not seen`);
      return time;
    };
    const since = (name: string): number => msSince(timeOf('called'), timeOf(name));
    calls.push(Object.fromEntries(names.map((name) => [name, since(name)])));
    resultReceived.push(since('resultReceived'));
  }
  await zygote.close();
  return { calls, resultReceived };
}
