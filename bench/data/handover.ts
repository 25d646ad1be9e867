/**
 * How long is it until code has a table, against the size of the table? From the call to the first value read, and to the
 * sum of the column back in the caller: by nodespawner, by a pipe to a plain `node`, and by structuredClone to a worker.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { text } from 'node:stream/consumers';
import { Worker } from 'node:worker_threads';
import { tableFromArrays, tableToIPC } from 'apache-arrow';
import { SharedTable, Zygote } from '../../lib/index.js';
import { table } from '../report/text.js';
import { summarize } from '../statistics.js';

/** In milliseconds. */
interface Call {
  /** Until the first value was read. */
  readonly first: number;
  /** Until the caller had the sum. */
  readonly sum: number;
}

interface Contestant {
  readonly name: string;
  call(): Promise<Call>;
}

export interface HandoverPlan {
  /** Of the tables, in bytes. */
  readonly sizes: readonly number[];
  /** How often each is measured; those that copy, for tables from `copiedSlowly` bytes on, a tenth of that. */
  readonly rounds: number;
}

const COPIED_SLOWLY = 2 ** 28;
/** One warm-up for each so many rounds, and three at the most. */
const ROUNDS_PER_WARM_UP = 5;
const MOST_WARM_UPS = 3;

export interface Handover {
  readonly name: string;
  readonly size: number;
  readonly first: readonly number[];
  readonly sum: readonly number[];
}

/** CLOCK_MONOTONIC in nanoseconds, which processes and threads share. */
const now = (): bigint => process.hrtime.bigint();

/** The same work for everybody: [when the first value was read, the sum of all]. */
const WORK = `
function work(table) {
  const column = table.getChild('value');
  let sum = column.get(0);
  const reached = process.hrtime.bigint();
  sum = 0;
  for (const { values } of column.data) for (let i = 0; i < values.length; i++) sum += values[i];
  return [String(reached), sum];
}`;

class Bench {
  starts = 0;
  readonly #bytes: Uint8Array;
  readonly #expected: number;

  constructor(size: number) {
    const values = Float64Array.from({ length: Math.max(1, Math.floor(size / 8)) }, (_, i) => i % 1000);
    this.#expected = values.reduce((sum, value) => sum + value, 0);
    this.#bytes = tableToIPC(tableFromArrays({ value: values }), 'file');
  }

  get byteLength(): number {
    return this.#bytes.byteLength;
  }

  share(): Promise<SharedTable> {
    return SharedTable.from(this.#bytes);
  }

  async #time(work: () => Promise<[reached: string, sum: number]>): Promise<Call> {
    this.starts++;
    const start = now();
    const [reached, sum] = await work();
    const end = now();
    if (sum !== this.#expected) throw new Error(`The sum should be ${this.#expected}, but is ${sum}`);
    return { first: Number(BigInt(reached) - start) / 1e6, sum: Number(end - start) / 1e6 };
  }

  nodespawner(name: string, zygote: Zygote, shared?: SharedTable): Contestant {
    const code = `module.exports = ({ tables }) => work(tables.input); ${WORK}`;
    const tables = { input: shared ?? this.#bytes };
    const call = async (): Promise<[string, number]> =>
      (await zygote.run(code, { tables }, { timeoutMs: 300_000 })).value as [string, number];
    return { name, call: () => this.#time(call) };
  }

  /** Reads as fast as one can who knows how much will come. */
  plainNode(name: string): Contestant {
    const code = `const { tableFromIPC } = require('apache-arrow'), { readSync } = require('fs');
      const bytes = new Uint8Array(${this.byteLength});
      for (let at = 0; at < bytes.length; ) {
        try { at += readSync(0, bytes, at, bytes.length - at); } catch (error) { if (error.code !== 'EAGAIN') throw error; }
      }
      process.stdout.write(JSON.stringify(work(tableFromIPC(bytes)))); ${WORK}`;
    const cwd = new URL('..', import.meta.url);
    const call = async (): Promise<[string, number]> => {
      const child = spawn(process.execPath, ['-e', code], { cwd, stdio: ['pipe', 'pipe', 'inherit'] });
      child.stdin.end(this.#bytes);
      const [output] = await Promise.all([text(child.stdout), once(child, 'close')]);
      return JSON.parse(output) as [string, number];
    };
    return { name, call: () => this.#time(call) };
  }

  /** `postMessage()` copies by structuredClone. */
  worker(name: string, start: () => Promise<{ worker: Worker; end: () => Promise<unknown> }>): Contestant {
    const call = async (): Promise<[string, number]> => {
      const { worker, end } = await start();
      worker.postMessage(this.#bytes);
      const [answer] = (await once(worker, 'message')) as [[string, number]];
      await end();
      return answer;
    };
    return { name, call: () => this.#time(call) };
  }
}

function newWorker(): Worker {
  const arrow = JSON.stringify(createRequire(import.meta.url).resolve('apache-arrow'));
  const code = `const { tableFromIPC } = require(${arrow}), { parentPort } = require('worker_threads');
    parentPort.on('message', (bytes) => parentPort.postMessage(work(tableFromIPC(bytes)))); ${WORK}`;
  return new Worker(code, { eval: true });
}

/** @param onDone told after each size */
export async function measureHandover(
  { sizes, rounds }: HandoverPlan,
  onDone: (handovers: readonly Handover[]) => void,
): Promise<{ handovers: Handover[]; starts: number }> {
  const zygote = await Zygote.start({ preload: ['apache-arrow'], from: import.meta.url });
  const running = newWorker();
  const all: Handover[] = [];
  let starts = 0;
  for (const size of sizes) {
    const bench = new Bench(size);
    const sharing: number[] = [];
    const share = async (): Promise<SharedTable> => {
      const start = performance.now();
      const made = await bench.share();
      sharing.push(performance.now() - start);
      return made;
    };
    using shared = await share();
    const keep = { worker: running, end: () => Promise.resolve() };
    const fresh = (): Promise<{ worker: Worker; end: () => Promise<unknown> }> => {
      const worker = newWorker();
      return Promise.resolve({ worker, end: () => worker.terminate() });
    };
    const quick = [bench.nodespawner('nodespawner, a SharedTable', zygote, shared)];
    const copying = [
      bench.nodespawner('nodespawner, bytes', zygote),
      bench.plainNode('plain node, a pipe'),
      bench.worker('new worker, structuredClone', fresh),
      bench.worker('worker that waits, structuredClone', () => Promise.resolve(keep)),
    ];
    const copies = size < COPIED_SLOWLY ? rounds : Math.max(1, Math.ceil(rounds / 10));
    const calls = new Map([...quick, ...copying].map(({ name }) => [name, [] as Call[]]));
    const warmUp = size < COPIED_SLOWLY ? Math.min(MOST_WARM_UPS, Math.ceil(rounds / ROUNDS_PER_WARM_UP)) : 1;
    for (let round = -warmUp; round < rounds; round++) {
      // All in turn, so that whatever else the machine does hits each of them.
      for (const contestant of round < copies ? [...quick, ...copying] : quick) {
        const call = await contestant.call();
        if (round >= 0) calls.get(contestant.name)?.push(call);
      }
      if (round >= 0 && round < copies) (await share())[Symbol.dispose]();
    }
    const handovers = Array.from(calls, ([name, series]) => ({
      name,
      size: bench.byteLength,
      first: series.map(({ first }) => first),
      sum: series.map(({ sum }) => sum),
    }));
    handovers.push({
      name: 'SharedTable.from(bytes), once',
      size: bench.byteLength,
      first: sharing,
      sum: [],
    });
    onDone(handovers);
    all.push(...handovers);
    starts += bench.starts;
  }
  await Promise.all([zygote.close(), running.terminate()]);
  return { handovers: all, starts };
}

export function reportHandover(handovers: readonly Handover[]): string {
  const ms = (value: number): string => value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0);
  const rows = handovers.map(({ name, size, first, sum }) => {
    const { count, p50, p99, p25, p75, deviation } = summarize(first);
    return [
      name,
      sizeOf(size),
      count.toString(),
      ...[p50, p99, p25, p75, deviation].map(ms),
      sum.length === 0 ? '' : ms(summarize(sum).p50),
      sum.length === 0 ? '' : ms(summarize(sum).p99),
    ];
  });
  return table(['', 'table', 'count', 'p50', 'p99', 'p25', 'p75', 'deviation', 'sum p50', 'sum p99'], rows);
}

function sizeOf(bytes: number): string {
  if (bytes < 2 ** 20) return `${Math.round(bytes / 2 ** 10)} KB`;
  if (bytes < 2 ** 30) return `${Math.round(bytes / 2 ** 20)} MB`;
  return `${(bytes / 2 ** 30).toFixed(1)} GB`;
}
