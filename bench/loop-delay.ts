/**
 * How long does a child hold up the host's event loop with what it sends? Each case is a child that writes the worst that it
 * may to its result pipe, its output or its tables; the host does nothing else meanwhile than to wait for it.
 *
 *   npm run bench:loop -- [--rounds N] [--only NAME,…]
 *
 * Longest delay of the event loop in milliseconds, as perf_hooks.monitorEventLoopDelay() sees it (resolution 1 ms), of N
 * children one after the other (3): of the worst of them, and the median.
 */
import os from 'node:os';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { Zygote, type SpawnOptions } from '../lib/index.js';
import { DEFAULT_ARROW_LIMITS } from '../lib/arrow/validate/limits.js';
import { DEFAULT_MAX_RESULT_BYTES, DEFAULT_MAX_RESULT_ELEMENTS } from '../lib/defaults.js';
import { describe } from './machine.js';

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '3' }, only: { type: 'string' } },
});

interface Attack {
  readonly body: string;
  readonly options?: SpawnOptions;
}

/** In the child: the bytes of a result, by hand, as a hostile child would write them. */
const PRELUDE = `
const fs = require('node:fs');
const fds = new Map(fs.readdirSync('/proc/self/fd').flatMap((fd) => { try { return [[Number(fd), fs.readlinkSync('/proc/self/fd/' + fd)]]; } catch { return []; } }));
const pipes = [...fds].filter(([fd, target]) => fd > 2 && target.startsWith('pipe:'));
const [[resultFd]] = pipes.filter(([, target]) => pipes.filter((end) => end[1] === target).length === 1);
const [outputFd] = [...fds].find(([, target]) => target.startsWith('/memfd:'));
const i32 = (number) => { const bytes = Buffer.alloc(4); bytes.writeInt32BE(number); return bytes; };
const i64 = (number) => { const bytes = Buffer.alloc(8); bytes.writeBigInt64BE(BigInt(number)); return bytes; };
const text = (string) => Buffer.concat([i32(Buffer.byteLength(string)), Buffer.from(string)]);
const join = (...parts) => Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'hex') : part)));
const all = (count, make) => Buffer.concat(Array.from({ length: count }, (_, index) => make(index)));
const same = (count, bytes) => { const whole = Buffer.alloc(count * bytes.length); for (let at = 0; at < whole.length; at += bytes.length) bytes.copy(whole, at); return whole; };
const send = (bytes) => { for (let at = 0; at < bytes.length;) at += fs.writeSync(resultFd, bytes, at); process.reallyExit(0); };
const returned = (value, tables = join('0f00020c', i32(0))) => send(join('0c00010c00010c0001', value, tables, '000000'));
const items = (count, elements) => join('0f00080c', i32(count), elements, '00');
const fields = (count, entries) => join('0f00090c', i32(count), entries, '00');
const entries = (count, list) => join('0f000a0c', i32(count), list, '00');
const entry = (key, value) => join('0b0001', text(key), '0c0002', value, '00');
const NOTHING = join('0c00010000'), EMPTY_OBJECT = join('0f00090c', i32(0), '00'), EMPTY_MAP = join('0f000a0c', i32(0), '00');
const BYTE = join('0b0006', i32(1), '7800'), INTEGER = join('0a0003', i64(7), '00'), BIG = join('0a0003', '7fffffffffffffff', '00');
const DATE = join('040007', '0000000000000000', '00'), WORD = (string) => join('0b0005', text(string), '00');
const MOST = params.elements - 1;
`;

const threw = (error: string): string => `send(join('0c00010c0002', ${error}, '000000'))`;

const ATTACKS: Readonly<Record<string, Attack>> = {
  nothing: { body: 'return 1' },
  numbers: { body: 'returned(items(MOST, same(MOST, INTEGER)))' },
  bigints: { body: 'returned(items(MOST, same(MOST, BIG)))' },
  binaries: { body: 'returned(items(MOST, same(MOST, BYTE)))' },
  dates: { body: 'returned(items(MOST, same(MOST, DATE)))' },
  maps: { body: 'returned(items(MOST, same(MOST, EMPTY_MAP)))' },
  objects: { body: 'returned(items(MOST, same(MOST, EMPTY_OBJECT)))' },
  texts: { body: 'returned(items(MOST, all(MOST, (index) => WORD("é" + index))))' },
  'keys of one object': { body: 'returned(fields(MOST, all(MOST, (index) => entry("k" + index, NOTHING))))' },
  'indices of one object': {
    body: 'returned(fields(MOST, all(MOST, (index) => entry(String(index * 4000), NOTHING))))',
  },
  'keys of a map': { body: 'returned(entries(MOST, all(MOST, (index) => entry("k" + index, NOTHING))))' },
  'objects of other keys': {
    body: 'const half = MOST >> 1; returned(items(half, all(half, (index) => fields(1, entry("k" + index, NOTHING)))))',
  },
  'objects of other indices': {
    body: 'const half = MOST >> 1; returned(items(half, all(half, (index) => fields(1, entry(String(index), NOTHING)))))',
  },
  deep: {
    body: `const chains = Math.floor(MOST / 99); let chain = NOTHING;
      for (let depth = 0; depth < 98; depth++) chain = items(1, chain);
      returned(items(chains, same(chains, chain)))`,
  },
  'one text': { body: 'returned(WORD("x".repeat(params.bytes - 100)))' },
  'one text of two-byte characters': { body: 'returned(WORD("漢".repeat((params.bytes - 100) / 3)))' },
  'one binary': {
    body: "returned(join('0b0006', i32(params.bytes - 100), Buffer.alloc(params.bytes - 100), '00'))",
  },
  'a message of an error': {
    body: threw(
      `join('0c0001', join('0b0001', text('E'), '0b0002', text('漢'.repeat((params.bytes - 100) / 3)), '00'), '0f00020c', i32(0))`,
    ),
  },
  'causes of an error': {
    body: threw(
      `join('0c0001', join('0b0001', text('E'), '0b0002', text(''), '00'), '0f00020c', i32(10000), same(10000, join('0b0001', text('E'), '0b0002', text('漢'.repeat(1000)), '00')))`,
    ),
  },
  'more than it may': { body: 'for (;;) fs.writeSync(resultFd, Buffer.alloc(2 ** 20))' },
  noise: { body: 'send(Buffer.alloc(params.bytes, 0xff))' },
  'standard output': {
    body: 'for (let i = 0; i < 200; i++) fs.writeSync(1, Buffer.alloc(2 ** 20, 120))',
    options: { stdout: 'capture' },
  },
  'batches of a table': {
    body: `const { tableFromArrays, RecordBatchStreamWriter } = require('apache-arrow');
      const batch = tableFromArrays({ a: Int32Array.of(1) }).batches[0];
      function* batches() { for (let i = 0; i < params.batches; i++) yield batch; }
      return batches();`,
  },
  'small tables': {
    body: `const { tableFromArrays } = require('apache-arrow');
      const table = tableFromArrays({ a: Int32Array.of(1) });
      return { value: null, tables: Object.fromEntries(Array.from({ length: 1000 }, (_, index) => ['t' + index, table])) };`,
  },
  'batches of a small table': {
    body: `const { tableFromArrays } = require('apache-arrow');
      const batch = tableFromArrays(Object.fromEntries(Array.from({ length: 100 }, (_, index) => ['column' + index, Int32Array.of(1)]))).batches[0];
      function* batches() { for (let i = 0; i < 9; i++) yield batch; }
      return batches();`,
  },
  'deltas of a dictionary': {
    body: `const { Table, Vector, Dictionary, Utf8, Int32, vectorFromArray, makeData } = require('apache-arrow');
      const [word] = vectorFromArray(['word'], new Utf8()).data;
      const dictionary = new Vector(Array.from({ length: 800 }, () => word.clone()));
      return new Table({ a: new Vector([makeData({ type: new Dictionary(new Utf8(), new Int32(), 1), length: 1, data: Int32Array.of(0), dictionary })]) });`,
  },
  'columns of a table': {
    body: `const { tableFromArrays } = require('apache-arrow');
      return tableFromArrays(Object.fromEntries(Array.from({ length: 1000 }, (_, index) => ['column' + index, Int32Array.of(1)])));`,
  },
};

const { cpu, cores, memoryGb, kernel, system, commit, date, command, machine } = describe();
console.log(`${machine}: ${cores} cores of ${cpu}, ${memoryGb} GB, ${system}, kernel ${kernel}
commit ${commit}, ${date}, Node ${process.version}: ${command}
load before: ${(os.loadavg()[0] ?? NaN).toFixed(1)}\n`);

const names = values.only?.split(',') ?? Object.keys(ATTACKS);
const rounds = Number(values.rounds);
await using zygote = await Zygote.start();
/** Each is two of what a table may be made of (maxChunks), of which a batch's own bytes pay for a part. */
const batches = DEFAULT_ARROW_LIMITS.maxChunks / 2;
const params = { elements: DEFAULT_MAX_RESULT_ELEMENTS, bytes: DEFAULT_MAX_RESULT_BYTES, batches };
console.log(
  `${'what the child sends'.padEnd(34)}${'worst'.padStart(8)}${'median'.padStart(8)}   how it ended`,
);
for (const name of names) {
  const attack = ATTACKS[name];
  if (attack === undefined)
    throw new Error(`--only ${name}: it is one of ${Object.keys(ATTACKS).join(', ')}`);
  const delays: number[] = [];
  let end = '';
  for (let round = 0; round < rounds; round++) {
    const code = `module.exports = async ({ params }) => { ${PRELUDE} ${attack.body}; };`;
    const delay = monitorEventLoopDelay({ resolution: 1 });
    const child = await zygote.spawn(code, { params }, attack.options);
    delay.enable();
    const result = await child.result;
    // What is left to be done when the promise has settled: the last turn, and garbage.
    await new Promise((resolve) => setTimeout(resolve, 20));
    delay.disable();
    delays.push(delay.max / 1e6);
    end = result.status === 'limitExceeded' ? `${result.status} ${result.limit}` : result.status;
  }
  delays.sort((a, b) => a - b);
  const shown = [delays.at(-1), delays[delays.length >> 1]].map((ms = NaN) => ms.toFixed(0).padStart(8));
  console.log(`${name.padEnd(34)}${shown.join('')}   ${end}`);
}
