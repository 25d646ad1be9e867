/**
 * Where the time of one call goes. Functions of the addon, and some of the zygote's, are wrapped so that they note the
 * time; nothing of it is in the product. Host and child have the same clock (CLOCK_MONOTONIC).
 */
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { ZygoteOptions } from '../lib/index.js';
import { native, REPLY_REAPED } from '../lib/native.js';
import { tracedCall, whenParked } from './contestants.js';
import type { Plan } from './plan.js';
import { PAUSE_MS } from './rotate.js';
import { startZygote } from './zygotes.js';

/** In the order in which they happen, each with what happens until the next. */
const FROM_THE_JOB_ON = {
  jobReceived: 'child: decodes the job',
  jobDecoded: 'child: standard streams, maps the table',
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
export type Mark = keyof (typeof PHASES)[Way] | 'cloneRequested' | 'resumed' | 'jobSent';

export interface TracedCalls {
  /** For each call: when it was there, in milliseconds from the call on. */
  readonly calls: readonly Readonly<Partial<Record<Mark, number>>>[];
  /** Beside the child's own course: when the host had the result. */
  readonly resultReceived: readonly number[];
}
export type Trace = Readonly<Record<Way, TracedCalls>>;

const now = (): bigint => process.hrtime.bigint();

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
  const onDemand = await tracedCalls(plan, { min: 0, max: 0 }, PHASES.onDemand);
  return { onDemand, parked: await tracedCalls(plan, undefined, PHASES.parked) };
}

async function tracedCalls(
  { variantSpawns, warmUp, preload }: Plan,
  pool: ZygoteOptions['pool'],
  phases: (typeof PHASES)[Way],
): Promise<TracedCalls> {
  const tracer = fileURLToPath(new URL('./trace-child.cjs', import.meta.url));
  const zygote = await startZygote([tracer, ...preload], pool && { pool });
  // The one that was parked when the zygote started.
  if (pool !== undefined) await tracedCall(zygote);
  const names = Object.keys(phases) as Mark[];
  const calls: Partial<Record<Mark, number>>[] = [];
  const resultReceived: number[] = [];
  for (let i = -warmUp; i < variantSpawns; i++) {
    await setTimeout(PAUSE_MS);
    await whenParked(zygote, pool === undefined)();
    marks = new Map();
    mark('called');
    const { firstLine, stderr } = await tracedCall(zygote);
    mark('settled');
    marks.set('firstLine', firstLine);
    for (const [name, time] of Object.entries(JSON.parse(stderr) as Record<string, string>)) {
      marks.set(name, BigInt(time));
    }
    if (i < 0) continue;
    const since = (name: string): number => {
      const time = marks.get(name);
      if (time === undefined) throw new Error(`'${name}' was not seen`);
      return Number(time - (marks.get('called') ?? 0n)) / 1e6;
    };
    calls.push(Object.fromEntries(names.map((name) => [name, since(name)])));
    resultReceived.push(since('resultReceived'));
  }
  await zygote.close();
  return { calls, resultReceived };
}
