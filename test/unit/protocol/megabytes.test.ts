// A megabyte of each thing that a hostile child can write, in bounded time and memory. That the time is bounded shows
// in that the tests end.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import t from 'tap';
import { NodespawnerError } from '../../../protocol/errors.js';
import { decodeResult } from '../../../protocol/messages.js';
import * as b from './bytes.js';

const { values, entry, returned } = b;
const MEGABYTE = 1_000_000;

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc') as () => void;

/** How many bytes of memory what is decoded takes. */
function growth(bytes: Buffer): number {
  const used = (): number => {
    // What earlier tests left, memory outside of the heap too, is gone only after some rounds.
    for (let round = 0; round < 3; round++) {
      gc();
    }
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  };
  // Once before, so that compiled code and such don't count.
  decodeResult(bytes);
  const before = used();
  const outcome = decodeResult(bytes);
  const after = used();
  return outcome.kind === 'returned' ? after - before : NaN;
}

/** The most expensive value is a small binary: 236 bytes for 9. */
const MOST_PER_BYTE = 32;

const sparse = (...keys: number[]): Buffer =>
  values.fields(keys.map((key) => entry(String(key), values.nothing)));

const accepted: Record<string, Uint8Array> = {
  'of nulls': values.items(b.repeat(values.nothing, MEGABYTE)),
  'of numbers': values.items(b.repeat(values.real(0.5), MEGABYTE)),
  'of bigints': values.items(b.repeat(values.integer(2n ** 60n), MEGABYTE)),
  'of short strings': values.items(b.repeat(values.text('ab'), MEGABYTE)),
  'of one string': values.text('x'.repeat(MEGABYTE)),
  'of empty binaries': values.items(b.repeat(values.bytes(Buffer.alloc(0)), MEGABYTE)),
  'of binaries that V8 keeps outside of its heap': values.items(
    b.repeat(values.bytes(Buffer.alloc(65)), MEGABYTE),
  ),
  'of dates': values.items(b.repeat(values.date(0), MEGABYTE)),
  'of empty lists': values.items(b.repeat(values.items([]), MEGABYTE)),
  'of lists of one': values.items(b.repeat(values.items([values.nothing]), MEGABYTE)),
  'of empty objects': values.items(b.repeat(values.fields([]), MEGABYTE)),
  'of empty maps': values.items(b.repeat(values.entries([]), MEGABYTE)),
  // V8 would keep an array of 1,024 elements for each.
  'of objects with a far index': values.items(b.repeat(sparse(1_023), MEGABYTE)),
  'of objects with far indices': values.items(b.repeat(sparse(900, 1_800, 2_700, 3_600), MEGABYTE)),
  'of objects with the nearest index that counts as far': values.items(b.repeat(sparse(17), MEGABYTE)),
  'of objects with the farthest index that counts as near': values.items(b.repeat(sparse(16), MEGABYTE)),
  'of objects that each have keys of their own': values.items(
    Array.from({ length: 30_000 }, (_, i) => values.fields([entry(`k${i}`, values.nothing)])),
  ),
  'of one object with many keys': values.fields(
    Array.from({ length: 50_000 }, (_, i) => entry(`k${i}`, values.nothing)),
  ),
};

function nested(open: Uint8Array, close: Uint8Array, size: number): Buffer {
  const levels = Math.floor(size / (open.length + close.length));
  return Buffer.concat([
    ...new Array<Uint8Array>(levels).fill(open),
    values.nothing,
    ...new Array<Uint8Array>(levels).fill(close),
  ]);
}

/** With Thrift types that this protocol has no use for: i8, map, set. */
const [I8, MAP, SET] = [3, 13, 14];
const unknown = (type: number, ...content: Uint8Array[]): Buffer => b.struct(b.field(type, 7, ...content));
const stops = Buffer.alloc(MEGABYTE);

const refused: Record<string, [bytes: Buffer, code: string]> = {
  'of zeros': [stops, 'ERR_BAD_MESSAGE'],
  'of ones': [Buffer.alloc(MEGABYTE, 0xff), 'ERR_BAD_MESSAGE'],
  'of zeros after the end': [Buffer.concat([returned(values.nothing), stops]), 'ERR_BAD_MESSAGE'],
  'of a string, cut': [returned(values.text('x'.repeat(MEGABYTE))).subarray(0, -100), 'ERR_BAD_MESSAGE'],
  'of a list, cut': [
    returned(values.items(b.repeat(values.nothing, MEGABYTE))).subarray(0, -100),
    'ERR_BAD_MESSAGE',
  ],
  'of a list that says it has two thousand million elements': [
    returned(
      b.struct(
        b.field(b.LIST, 8, b.list(b.STRUCT, 2 ** 31 - 1, Buffer.concat(b.repeat(values.nothing, MEGABYTE)))),
      ),
    ),
    'ERR_BAD_MESSAGE',
  ],
  'of a list that says it has as many elements as bytes': [
    returned(
      b.struct(
        b.field(b.LIST, 8, b.list(b.STRUCT, 990_000, Buffer.concat(b.repeat(values.nothing, MEGABYTE)))),
      ),
    ),
    'ERR_BAD_MESSAGE',
  ],
  'of a list of empty unions': [
    returned(b.struct(b.field(b.LIST, 8, b.list(b.STRUCT, MEGABYTE / 2, stops)))),
    'ERR_BAD_MESSAGE',
  ],
  'of empty structs as tables': [returned(values.nothing, b.repeat(b.struct(), MEGABYTE)), 'ERR_BAD_MESSAGE'],
  'of an unknown list of empty structs': [
    unknown(b.LIST, b.list(b.STRUCT, MEGABYTE, stops)),
    'ERR_BAD_MESSAGE',
  ],
  'of an unknown list of bytes': [unknown(b.LIST, b.list(I8, MEGABYTE, stops)), 'ERR_BAD_MESSAGE'],
  'of an unknown set': [unknown(SET, b.list(I8, MEGABYTE, stops)), 'ERR_BAD_MESSAGE'],
  'of an unknown map': [unknown(MAP, Buffer.of(I8, I8), b.i32(MEGABYTE / 2), stops), 'ERR_BAD_MESSAGE'],
  'of unknown structs in each other': [nested(b.field(b.STRUCT, 7), b.stop, MEGABYTE), 'ERR_BAD_MESSAGE'],
  'of the same field': [
    b.struct(Buffer.concat(b.repeat(b.field(b.STRUCT, 1, b.stop), MEGABYTE))),
    'ERR_BAD_MESSAGE',
  ],
  'of the same key': [
    returned(values.fields(b.repeat(entry('k', values.nothing), MEGABYTE))),
    'ERR_BAD_MESSAGE',
  ],
  'of the key __proto__': [
    returned(values.fields(b.repeat(entry('__proto__', values.fields([])), MEGABYTE))),
    'ERR_BAD_MESSAGE',
  ],
  'of lists in each other': [
    returned(nested(b.field(b.LIST, 8, b.list(b.STRUCT, 1)), b.stop, MEGABYTE)),
    'ERR_VALUE_TOO_LARGE',
  ],
  'of objects in each other': [
    returned(
      nested(
        b.field(b.LIST, 9, b.list(b.STRUCT, 1, b.field(b.STRING, 1, b.string('k')), b.field(b.STRUCT, 2))),
        Buffer.of(0, 0),
        MEGABYTE,
      ),
    ),
    'ERR_VALUE_TOO_LARGE',
  ],
  'of bytes that are no UTF-8': [returned(values.text(Buffer.alloc(MEGABYTE, 0x80))), 'ERR_BAD_MESSAGE'],
  'of bytes of which the last is no UTF-8': [
    returned(values.text(Buffer.concat([Buffer.alloc(MEGABYTE, 'x'), Buffer.of(0x80)]))),
    'ERR_BAD_MESSAGE',
  ],
};

/** Decodes everything, for a process with little heap. */
function decodeAll(): void {
  for (const bytes of [
    ...Object.values(accepted).map((value) => returned(value)),
    ...Object.values(refused).map(([bytes]) => bytes),
  ]) {
    try {
      decodeResult(bytes);
    } catch (error) {
      if (!(error instanceof NodespawnerError)) {
        throw error;
      }
    }
  }
}

if (process.argv[2] === 'decode-all') {
  decodeAll();
  process.exit();
}

for (const [name, value] of Object.entries(accepted)) {
  t.test(`a megabyte ${name} takes memory in proportion`, (t) => {
    const bytes = returned(value);
    t.ok(bytes.length > 0.9 * MEGABYTE);
    const grown = growth(bytes);
    t.ok(grown > 0);
    t.ok(grown < MOST_PER_BYTE * bytes.length, `${(grown / bytes.length).toFixed(1)} bytes for each`);
    t.end();
  });
}

for (const [name, [bytes, code]] of Object.entries(refused)) {
  t.test(`a megabyte ${name} is refused`, (t) => {
    t.ok(bytes.length > 0.9 * MEGABYTE);
    t.throws(() => decodeResult(bytes), { code });
    t.end();
  });
}

t.test('none takes more memory than that on the way', (t) => {
  // Room for the program itself, and for the most expensive of them.
  const flags = ['--max-old-space-size=56', '--max-semi-space-size=1'];
  const { status, stderr } = spawnSync(
    process.execPath,
    [...flags, fileURLToPath(import.meta.url), 'decode-all'],
    {
      encoding: 'utf8',
    },
  );
  t.equal(status, 0, stderr);
  t.end();
});
