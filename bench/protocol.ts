/**
 * What does it cost to write and to read 10 MB of plain values, and what would it cost with npm thrift's own protocol
 * class and the generated reader, which is the alternative that docs/protocol.md speaks of? And what does loading the
 * codec cost?
 *
 *   node --expose-gc dist/bench/protocol.js
 */
import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import os from 'node:os';
import { fileURLToPath } from 'node:url';
import { deserialize, serialize } from 'node:v8';
import type * as types from '../protocol/gen/protocol_types.js';
import { decodeValue, encodeValue, type PlainValue } from '../protocol/value.js';

interface Thrift {
  TBufferedTransport: {
    new (buffer: undefined, onFlush: (bytes: Buffer) => void): { flush(): void };
    receiver(callback: (transport: object) => void): (bytes: Buffer) => void;
  };
  TBinaryProtocol: new (transport: object) => { flush(): void };
  TCompactProtocol: new (transport: object) => { flush(): void };
}
interface GeneratedValue {
  read(protocol: object): void;
  write(protocol: object): void;
}
const require = createRequire(import.meta.url);
const { TBufferedTransport, TBinaryProtocol, TCompactProtocol } = require('thrift') as Thrift;
const generated = require('../protocol/gen/protocol_types.js') as typeof types;

function writeGenerated(value: GeneratedValue, Protocol: Thrift['TBinaryProtocol']): Buffer {
  let written: Buffer = Buffer.alloc(0);
  const protocol = new Protocol(
    new TBufferedTransport(undefined, (bytes) => {
      written = bytes;
    }),
  );
  value.write(protocol);
  protocol.flush();
  return written;
}

function readGenerated(bytes: Buffer, Protocol: Thrift['TBinaryProtocol']): GeneratedValue {
  const value = new generated.Value() as unknown as GeneratedValue;
  TBufferedTransport.receiver((transport) => {
    value.read(new Protocol(transport));
  })(bytes);
  return value;
}

const ROUNDS = 7;

function gc(): void {
  if (globalThis.gc === undefined) {
    throw new Error('Needs node --expose-gc');
  }
  // What lies outside of the heap lets go of what is inside only in a second round.
  globalThis.gc();
  globalThis.gc();
}

interface Measured<T> {
  ms: number;
  mb: number;
  result: T;
}

/** The best of some rounds in milliseconds, and how many MB of heap the result takes. */
function measure<T>(run: () => T): Measured<T> {
  let ms = Infinity;
  for (let round = 1; round < ROUNDS; round++) {
    const start = performance.now();
    run();
    ms = Math.min(ms, performance.now() - start);
  }
  gc();
  const before = process.memoryUsage().heapUsed;
  const start = performance.now();
  const result = run();
  ms = Math.min(ms, performance.now() - start);
  gc();
  return { ms, mb: (process.memoryUsage().heapUsed - before) / 1e6, result };
}

const cases: Record<string, PlainValue> = {
  'rows (60,000 objects of 7)': Array.from({ length: 60_000 }, (_, i) => ({
    carrier: 'AA',
    delay: (i % 97) - 10,
    distance: i * 1.5,
    origin: 'JFK',
    id: `row-${i}`,
    ok: i % 2 === 0,
    none: null,
  })),
  '900,000 integers': Array.from({ length: 900_000 }, (_, i) => i * 3),
  '400,000 strings': Array.from({ length: 400_000 }, (_, i) => `string number ${i}`),
};

const columns = ['MB', 'write ms', 'read ms', 'read, MB of heap'] as const;
type Row = Record<(typeof columns)[number], string>;

function row(size: number, write: Measured<unknown>, read: Measured<unknown>): Row {
  return {
    MB: (size / 1e6).toFixed(1),
    'write ms': write.ms.toFixed(0),
    'read ms': read.ms.toFixed(0),
    'read, MB of heap': read.mb.toFixed(0),
  };
}

function compare(value: PlainValue): Record<string, Row> {
  const rows: Record<string, Row> = {};

  const ours = measure(() => Buffer.concat(encodeValue(value)));
  rows['this package'] = row(
    ours.result.length,
    ours,
    measure(() => decodeValue(ours.result)),
  );

  // What the generated reader gives is a tree of generated objects: making plain values of it would come on top.
  const tree = readGenerated(ours.result, TBinaryProtocol);
  for (const [name, Protocol] of Object.entries({ TBinaryProtocol, TCompactProtocol })) {
    const written = measure(() => writeGenerated(tree, Protocol));
    rows[`npm thrift, ${name}`] = row(
      written.result.length,
      written,
      measure(() => readGenerated(written.result, Protocol)),
    );
  }

  const json = measure(() => Buffer.from(JSON.stringify(value)));
  rows.JSON = row(
    json.result.length,
    json,
    measure(() => JSON.parse(json.result.toString()) as unknown),
  );

  const v8 = measure(() => serialize(value));
  rows['node:v8 serialize'] = row(
    v8.result.length,
    v8,
    measure(() => deserialize(v8.result) as unknown),
  );
  return rows;
}

console.log(
  `Node ${process.versions.node}, ${os.cpus()[0]?.model ?? 'unknown processor'}, best of ${ROUNDS}`,
);
for (const [name, value] of Object.entries(cases)) {
  console.log(`\n${name}`);
  console.table(compare(value), columns);
}

console.log('\n50 MB in one value');
const large: Record<string, PlainValue> = {
  'ASCII string': 'x'.repeat(50e6),
  'string of é': 'é'.repeat(25e6),
  bytes: new Uint8Array(50e6).fill(7),
};
const rows: Record<string, Row> = {};
for (const [name, value] of Object.entries(large)) {
  const write = measure(() => encodeValue(value));
  const bytes = Buffer.concat(write.result);
  rows[name] = row(
    bytes.length,
    write,
    measure(() => decodeValue(bytes)),
  );
  rows[`${name}, bytes given away`] = row(
    bytes.length,
    write,
    measure(() => decodeValue(bytes, { ownsBytes: true })),
  );
}
console.table(rows, columns.slice(0, 3));

/** What loading a module costs a process that has loaded nothing else. */
function measureLoading(module: string): Record<string, string> {
  const code = `
    const used = () => (gc(), gc(), process.memoryUsage().heapUsed);
    const before = used();
    const start = performance.now();
    require(${JSON.stringify(module)});
    const ms = performance.now() - start;
    console.log(JSON.stringify([ms, (used() - before) / 1024, Object.keys(require.cache).length]));`;
  const runs = Array.from({ length: ROUNDS }, () => {
    const output = execFileSync(process.execPath, ['--expose-gc', '-e', code], { encoding: 'utf8', cwd });
    return JSON.parse(output) as [ms: number, kb: number, files: number];
  });
  const best = (index: 0 | 1 | 2): string => Math.min(...runs.map((run) => run[index])).toFixed(0);
  return { ms: best(0), 'KB of heap': best(1), files: best(2) };
}

const cwd = fileURLToPath(new URL('../../', import.meta.url));
console.log('\nLoading');
console.table({
  'protocol/messages.js': measureLoading(fileURLToPath(new URL('../protocol/messages.js', import.meta.url))),
  'npm thrift, as a whole': measureLoading('thrift'),
});
