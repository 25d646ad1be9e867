// Every type that there is in Arrow goes into a real child and comes out of it, equal on both sides.
import { ftruncateSync, readFileSync, readSync, writeSync } from 'node:fs';
import * as flechette from '@uwdata/flechette';
import { Field, LargeBinary, tableFromIPC, type Table } from 'apache-arrow';
import t from 'tap';
import { FLIGHTS } from '../../demo/flights.js';
import { validateArrow } from '../../lib/arrow/validate.js';
import type { TableInput } from '../../lib/index.js';
import { native } from '../../lib/native.js';
import { SharedMemory } from '../../lib/shared-memory.js';
import { memoryOf, rememberMemory } from '../../lib/table-memory.js';
import {
  apacheSamples,
  columns,
  flechetteSamples,
  tables as specialTables,
} from '../helpers/arrow/corpus.js';
import { batchMetadata, concat, END_OF_STREAM, schemaMessage } from '../helpers/arrow/craft.js';
import { describeByFlechette, describeTable } from '../helpers/arrow/describe.js';
import { ECHO, FORGE, frameOf } from '../helpers/arrow/through-child.js';
import { startZygote } from '../helpers/zygote.js';

const zygote = await startZygote(t, {
  preload: ['apache-arrow'],
  sandbox: { limits: { fileBytes: 4 * 2 ** 30 } },
});

/** The bytes of a table that came out of a child, as they are. */
function bytesOf(table: Table | undefined): Uint8Array {
  const range = table && memoryOf(table);
  if (range === undefined) throw new Error('the memory of the table is not known');
  const bytes = new Uint8Array(range.length);
  readSync(range.memory.fd, bytes, 0, range.length, range.offset);
  return bytes;
}

async function goThrough(inputs: Readonly<Record<string, TableInput>>, stream: boolean) {
  const { value, tables } = await zygote.run(ECHO, { params: { stream }, tables: inputs });
  return { described: value as Record<string, string>, tables };
}

const samples = [...apacheSamples(), ...flechetteSamples()];

t.test('the samples are of every type that apache-arrow can write', async (t) => {
  const { Type } = await import('apache-arrow');
  const classes = new Set(Object.values(columns()).map(({ type }) => (type as { typeId: number }).typeId));
  const names = [...classes].map((id) => Type[id]);
  const expected = ['Null', 'Int', 'Float', 'Binary', 'Utf8', 'Bool', 'Decimal', 'Date', 'Time', 'Timestamp', 'Interval',
    'List', 'Struct', 'Union', 'FixedSizeBinary', 'FixedSizeList', 'Map', 'Duration', 'LargeBinary', 'LargeUtf8', 'LargeList',
    'BinaryView', 'Utf8View', 'Dictionary']; // prettier-ignore
  t.strictSame(names.sort(), expected.sort());
  t.strictSame(Object.keys(specialTables()).filter((name) => /^no|nothing|batches|delta/.test(name)), ['noRows', 'noBatches', 'noColumns', 'nothing', 'batches', 'delta']);
}); // prettier-ignore

for (const stream of [false, true]) {
  t.test(`bytes of every type, returned ${stream ? 'batch by batch' : 'whole'}, all at once`, async (t) => {
    const inputs = Object.fromEntries(samples.map(({ name, bytes }) => [name, bytes]));
    const { described, tables } = await goThrough(inputs, stream);
    for (const { name, bytes } of samples) {
      const expected = describeTable(tableFromIPC(bytes));
      t.equal(described[name], expected, `${name} in the child`);
      t.equal(describeTable(tables[name]!), expected, `${name} from the child`);
    }
  });
}

t.test('tables of every type, which the host writes', async (t) => {
  const inputs = Object.fromEntries(samples.map(({ name, bytes }) => [name, tableFromIPC(bytes)]));
  const { described } = await goThrough(inputs, false);
  for (const { name, bytes } of samples) t.equal(described[name], describeTable(tableFromIPC(bytes)), name);
});

t.test('another implementation reads in what comes out what it reads in what went in', async (t) => {
  const unread: string[] = [];
  for (const { name, bytes } of samples) {
    let expected;
    try {
      expected = describeByFlechette(bytes);
    } catch {
      unread.push(name);
      continue;
    }
    // What is in a stream is in a file.
    if (name.endsWith(' file') && name.startsWith('apache-arrow')) continue;
    const { tables } = await goThrough({ t: bytes }, false);
    t.equal(describeByFlechette(bytesOf(tables.t)), expected, name);
  }
  // flechette does not read dictionaries inside of dictionaries, which are among all types.
  const nested = ['dictionaryNested', 'all', 'sliced', 'sliced3', 'noRows'];
  t.strictSame(
    unread,
    nested.flatMap((name) => [`apache-arrow ${name} stream`, `apache-arrow ${name} file`]),
  );
});

t.test('a real file of another writer reads the same in a child as another reader reads it', async (t) => {
  const code = `module.exports = ({ tables: { flights } }) => ({
    value: flights.schema.fields.map(({ name }) => [name, flights.getChild(name).toArray().reduce((sum, value) => sum + value, 0)]),
    tables: { flights },
  });`;
  const { value, tables } = await zygote.run(code, { tables: { flights: { path: FLIGHTS } } });
  const there = flechette.tableFromIPC(new Uint8Array(readFileSync(FLIGHTS)));
  const columnsThere = there.schema.fields.map(({ name }, index) => [name, there.getChildAt(index).toArray() as Float32Array] as const);
  t.strictSame(value, columnsThere.map(([name, values]) => [name, values.reduce((sum, number) => sum + number, 0)]));
  const bits = ({ buffer, byteOffset, byteLength }: Float32Array): Buffer => Buffer.from(buffer, byteOffset, byteLength);
  for (const [name, values] of columnsThere) {
    t.equal(values.length, 200_000);
    t.ok(bits(tables.flights?.getChild(name)?.toArray() as Float32Array).equals(bits(values)), name);
  }
}); // prettier-ignore

t.test('offsets beyond what 32 bits hold', async (t) => {
  // Three values, of which the one in the middle is three gigabytes of zeros that are never written.
  const end = 3 * 2 ** 30;
  const offsets = new Uint8Array(BigInt64Array.of(0n, 5n, BigInt(end - 3), BigInt(end)).buffer);
  const regions = [{ offset: 0, length: 0 }, { offset: 0, length: 32 }, { offset: 32, length: end }]; // prettier-ignore
  const head = concat(
    schemaMessage([new Field('b', new LargeBinary())]),
    batchMetadata({ length: 3, nodes: [[3, 0]], buffers: regions }, 32 + end),
    offsets,
  );
  const pieces: [number, Uint8Array][] = [
    [0, concat(head, Buffer.from('first'))],
    [head.length + end - 3, concat(Buffer.from('end'), END_OF_STREAM)],
  ];
  // Made by the host: of a child, nothing with holes is taken.
  const memory = new SharedMemory(native.createMemfd('test'));
  t.teardown(() => {
    memory.release();
  });
  const length = head.length + end + END_OF_STREAM.length;
  ftruncateSync(memory.fd, length);
  for (const [position, bytes] of pieces) writeSync(memory.fd, bytes, 0, bytes.length, position);
  const bytes = new Uint8Array(native.mapPrivate(memory.fd, length));
  t.equal(validateArrow(bytes).numRows, 3);
  const table = tableFromIPC(bytes);
  const values = table.getChild('b')!;
  const ends = [values.get(0), values.get(2)].map((value) => Buffer.from(value as Uint8Array).toString());
  t.strictSame(ends, ['first', 'end']);
  t.equal((values.get(1) as Uint8Array).length, end - 8);
  // And on into a child.
  memory.hold();
  rememberMemory(table, { memory, offset: 0, length });
  const read = `module.exports = ({ tables: { t } }) => [0, 2].map((row) => Buffer.from(t.getChild('b').get(row)).toString());`;
  t.strictSame((await zygote.run(read, { tables: { t: table } })).value, ['first', 'end']);
});

t.test(
  'what apache-arrow can not read, or reads wrong, is refused by its name when it comes out',
  async (t) => {
    const { decimal32, decimal64, decimal256, float64, int32, runEndEncoded, utf8 } = flechette;
    const written = (type: flechette.DataType, values: unknown[], codec?: flechette.CompressionType_) =>
      flechette.tableToIPC(flechette.tableFromColumns({ c: flechette.columnFromArray(values, type) }), {
        format: 'stream',
        ...(codec !== undefined && { codec }),
      })!;
    for (const type of [flechette.CompressionType.LZ4_FRAME, flechette.CompressionType.ZSTD]) {
      flechette.setCompressionCodec(type, {
        encode: (bytes) => bytes.slice(0, -1),
        decode: (bytes) => bytes,
      });
    }
    const zeros = new Array<number>(1000).fill(0);
    const cases: Record<string, [bytes: Uint8Array, reason: RegExp]> = {
      'run-end encoding': [written(runEndEncoded(int32(), utf8()), ['a', 'a', null]), /run-end-encoded/],
      'a decimal of 32 bits': [written(decimal32(9, 2), [1, 2]), /decimals of 32 bits/],
      'a decimal of 64 bits': [written(decimal64(18, 2), [1, 2]), /decimals of 64 bits/],
      'a decimal of 256 bits': [written(decimal256(40, 2), [1, 2]), /decimals of 256 bits/],
      'a body compressed by LZ4': [
        written(float64(), zeros, flechette.CompressionType.LZ4_FRAME),
        /Compressed data; apache-arrow has no codec/,
      ],
      'a body compressed by Zstandard': [
        written(float64(), zeros, flechette.CompressionType.ZSTD),
        /Compressed data; apache-arrow has no codec/,
      ],
    };
    for (const [name, [content, reason]] of Object.entries(cases)) {
      const frame = frameOf('t', content.byteLength);
      const child = await zygote.spawn(FORGE, { params: { content, frame } });
      t.match(await child.result, { status: 'badOutput', path: 'tables.t', reason }, name);
    }
  },
);
