/** What the children of a soak do, and how one sees that it came out right. */
import { tableFromArrays } from 'apache-arrow';
import type { Child, Result, SpawnOptions, Zygote } from '../lib/index.js';

/** Undefined if all was well, else what was not. */
export type Check = string | undefined;

export type Job = (zygote: Zygote, i: number) => Promise<Check>;

/** Longer than anything here takes on the slowest machine: whoever is not done by then hangs. */
const TIMEOUT_MS = 60_000;

function describe(result: Result): string {
  const { usage, stderr, ...rest } = result;
  const detail = 'error' in rest ? rest.error.stack : JSON.stringify(rest).slice(0, 300);
  return `${result.status} after ${Math.round(usage.wallMs)} ms: ${detail} ${stderr?.text.slice(0, 2000) ?? ''}`;
}

/** Runs code whose result is known. */
function computes(code: string, expected: (i: number) => unknown, options?: SpawnOptions): Job {
  return async (zygote, i) => {
    const limits = { timeoutMs: TIMEOUT_MS, stdout: 'ignore', stderr: 'capture', ...options } as const;
    const result = await (await zygote.spawn(code, { params: i }, limits)).result;
    if (result.status !== 'ok') return describe(result);
    const [actual, wanted] = [JSON.stringify(result.value), JSON.stringify(expected(i))];
    return actual === wanted ? undefined : `${actual} instead of ${wanted}`;
  };
}

/** Starts a child that has to end in this way. */
function ends(
  code: string,
  status: Result['status'],
  act?: (child: Child) => unknown,
  options?: SpawnOptions,
): Job {
  return async (zygote, i) => {
    const child = await zygote.spawn(
      code,
      { params: i },
      { timeoutMs: TIMEOUT_MS, stderr: 'capture', ...options },
    );
    await act?.(child);
    const result = await child.result;
    return result.status === status ? undefined : `${describe(result)} instead of ${status}`;
  };
}

const GARBAGE = `module.exports = async ({ params }) => {
  const kept = new Array(5000);
  for (let round = 0; round < 10; round++) {
    for (let i = 0; i < 10_000; i++) kept[(i * 7919) % 5000] = { i, text: 'n' + i, next: kept[i % 5000] && { ...kept[i % 5000], next: null } };
    await new Promise(setImmediate);
  }
  return kept.every((item) => item.text === 'n' + item.i) ? params : -1;
};`;

const JIT = `const step = (a, b) => (a * 31 + b) | 0;
module.exports = async ({ params }) => {
  let total = params | 0;
  for (let round = 0; round < 8; round++) {
    for (let i = 0; i < 60_000; i++) total = step(total, i);
    await new Promise(setImmediate);
  }
  return total;
};`;

function jit(i: number): number {
  let total = i | 0;
  for (let round = 0; round < 8; round++) for (let n = 0; n < 60_000; n++) total = (total * 31 + n) | 0;
  return total;
}

const WORKERS = `const { Worker } = require('node:worker_threads');
const { once } = require('node:events');
module.exports = async ({ params }) => {
  const code = 'const { parentPort, workerData } = require("node:worker_threads"); parentPort.postMessage(workerData + 1);';
  const workers = [0, 1].map((n) => new Worker(code, { eval: true, workerData: params + n }));
  const values = await Promise.all(workers.map((worker) => once(worker, 'message')));
  return values.flat();
};`;

const WASM = `const bytes = Buffer.from('0061736d0100000001060160017f017f030201000707010373756d00000a20011e01017f0340200120006a21012000417f6a2100200041004a0d000b20010b', 'hex');
module.exports = async ({ params }) => {
  const modules = await Promise.all(Array.from({ length: 4 }, () => WebAssembly.compile(bytes)));
  const instances = await Promise.all(modules.map((module) => WebAssembly.instantiate(module)));
  return instances.map(({ exports }) => exports.sum(params % 1000 + 1));
};`;

const ASYNC = `const fs = require('node:fs/promises');
const { promisify } = require('node:util');
const zlib = require('node:zlib');
const crypto = require('node:crypto');
module.exports = async ({ params }) => {
  const text = String(params).repeat(1000);
  await Promise.all([1, 2, 3].map((n) => fs.writeFile('/tmp/' + n, text)));
  const [read, zipped, key] = await Promise.all([
    fs.readFile('/tmp/2', 'utf8'), promisify(zlib.gzip)(text), promisify(crypto.pbkdf2)('a', 'b', 500, 8, 'sha256'),
    new Promise((resolve) => setTimeout(resolve, 1)),
  ]);
  const unzipped = String(await promisify(zlib.gunzip)(zipped));
  return [read === text, unzipped === text, key.length];
};`;

const TABLE = `const { tableFromArrays } = require('apache-arrow');
module.exports = ({ tables: { table } }) => tableFromArrays({ n: Float64Array.from(table, ({ n }) => n + 1) });`;

const sum = (n: number): number => (n * (n + 1)) / 2;

export const JOBS: Readonly<Record<string, Job>> = {
  garbage: computes(GARBAGE, (i) => i),
  jit: computes(JIT, jit),
  workers: computes(WORKERS, (i) => [i + 1, i + 2]),
  wasm: computes(WASM, (i) => new Array<number>(4).fill(sum((i % 1000) + 1))),
  async: computes(ASYNC, () => [true, true, 8]),
  module: computes('export default ({ params }) => params + 1', (i) => i + 1),
  large: computes(
    'module.exports = ({ params }) => "x".repeat(100_000 + params % 10).length',
    (i) => 100_000 + (i % 10),
  ),
  table: async (zygote, i) => {
    const table = tableFromArrays({ n: Float64Array.of(i, i + 1) });
    const { tables } = await zygote.run(TABLE, { tables: { table } }, { timeoutMs: TIMEOUT_MS });
    const values = [tables.table?.get(0)?.n as unknown, tables.table?.get(1)?.n as unknown];
    return values.join() === `${i + 1},${i + 2}` ? undefined : `a table with ${values.join()}`;
  },
  printed: async (zygote, i) => {
    const code = 'module.exports = ({ params }) => { console.log("x".repeat(params % 100_000)); }';
    const options = { timeoutMs: TIMEOUT_MS, stdout: 'capture' } as const;
    const { stdout } = await zygote.run(code, { params: i * 37 }, options);
    const length = (i * 37) % 100_000;
    return stdout?.bytes.byteLength === length + 1
      ? undefined
      : `${stdout?.bytes.byteLength ?? -1} bytes of ${length + 1}`;
  },
  streams: async (zygote, i) => {
    const code = `module.exports = () => new Promise(() => process.stdin.pipe(process.stdout))`;
    const child = await zygote.spawn(code, {}, { timeoutMs: TIMEOUT_MS });
    child.stdin?.end(`echo ${i}`);
    const text = (await child.stdout?.toArray())?.join('');
    const { status } = await child.result;
    return text === `echo ${i}` && status === 'exited' ? undefined : `${status} with ${text ?? ''}`;
  },
  throws: ends('throw new Error("as it should")', 'threw'),
  exits: ends('process.exit(3)', 'exited'),
  endless: ends('for (;;);', 'timedOut', undefined, { timeoutMs: 50 }),
  killed: ends('for (;;);', 'signaled', (child) => child.kill()),
  disposed: ends('for (;;);', 'canceled', (child) => child[Symbol.asyncDispose]()),
};
