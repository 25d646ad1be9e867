/**
 * Where the time of one call goes. Functions of the addon, and some of the zygote's, are wrapped so that they note the
 * time; nothing of it is in the product. Host and child have the same clock (CLOCK_MONOTONIC).
 */
import { fileURLToPath } from 'node:url';
import { Zygote } from '../lib/index.js';
import { native, REPLY_CLONED, REPLY_REAPED } from '../lib/native.js';
import { tracedCall } from './contestants.js';
import type { Plan } from './plan.js';
import { whenWarm } from './zygotes.js';

/** In the order in which they happen, each with what happens until the next. */
export const PHASES = {
  called: 'host: checks the arguments, writes the job, makes pipe and memfd',
  cloneRequested: 'zygote: clones; child: new descriptors, drops capabilities, revives threads, reseeds',
  resumed: 'child: new random numbers, waits for the job',
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

export type Mark = keyof typeof PHASES;
export const MARKS = Object.keys(PHASES) as Mark[];

export interface Trace {
  /** For each call: when it was there, in milliseconds from the call on. */
  readonly calls: readonly Record<Mark, number>[];
  /** Beside the child's own course: when the host was told that there is a child, and when it had the result. */
  readonly cloned: readonly number[];
  readonly resultReceived: readonly number[];
}

const now = (): bigint => process.hrtime.bigint();

/** What was noted in the call that is under way. */
let marks = new Map<string, bigint>();
const mark = (name: Mark | 'cloned' | 'resultReceived'): void => {
  if (!marks.has(name)) marks.set(name, now());
};

function watchHost(): void {
  const original = { ...native };
  native.sendRequest = (...args) => {
    mark('cloneRequested');
    return original.sendRequest(...args);
  };
  native.receiveReply = (fd) => {
    const reply = original.receiveReply(fd);
    if (reply?.kind === REPLY_CLONED) mark('cloned');
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

export async function trace({ variantSpawns, warmUp, preload }: Plan): Promise<Trace> {
  watchHost();
  const zygote = await Zygote.start({
    preload: [fileURLToPath(new URL('./trace-child.cjs', import.meta.url)), 'apache-arrow', ...preload],
    from: import.meta.url,
    // Every phase of every call, the clone too.
    pool: { min: 0, max: 0 },
  });
  await whenWarm(zygote);
  // The one that was parked when the zygote started.
  await tracedCall(zygote);
  const calls: Record<Mark, number>[] = [];
  const cloned: number[] = [];
  const resultReceived: number[] = [];
  for (let i = -warmUp; i < variantSpawns; i++) {
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
    calls.push(Object.fromEntries(MARKS.map((name) => [name, since(name)])) as Record<Mark, number>);
    cloned.push(since('cloned'));
    resultReceived.push(since('resultReceived'));
  }
  await zygote.close();
  return { calls, cloned, resultReceived };
}
