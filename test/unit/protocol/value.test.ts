import { deepStrictEqual } from 'node:assert';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import t, { type Test } from 'tap';
import { UnsupportedValueError } from '../../../protocol/errors.js';
import type { ValueLimits } from '../../../protocol/limits.js';
import { decodeValue, encodeValue, type PlainValue } from '../../../protocol/value.js';
import { plainValue } from './arbitrary.js';

const encode = (value: unknown, limits?: Partial<ValueLimits>): Buffer =>
  Buffer.concat(encodeValue(value, { root: 'params', ...(limits && { limits }) }));
class Point {
  x = 1;
}

const roundTrip = (value: unknown): PlainValue => decodeValue(encode(value));

/** The keys of all objects and maps, in their order, which deepStrictEqual() doesn't look at. */
function keysOf(value: PlainValue): unknown {
  if (Array.isArray(value)) {
    return value.map(keysOf);
  }
  if (value instanceof Map) {
    return [...value].map(([key, inner]) => [key, keysOf(inner)]);
  }
  if (
    typeof value === 'object' &&
    value !== null &&
    !(value instanceof Date) &&
    !(value instanceof Uint8Array)
  ) {
    return Object.keys(value).map((key) => [key, keysOf(value[key] as PlainValue)]);
  }
  return null;
}

function throwsUnsupported(t: Test, value: unknown, path: string): UnsupportedValueError | undefined {
  try {
    encode(value);
  } catch (error) {
    t.match(error, { code: 'ERR_UNSUPPORTED_VALUE', path });
    return error instanceof UnsupportedValueError ? error : undefined;
  }
  t.fail('was not refused');
  return undefined;
}

t.test('any plain value arrives as it was, with its keys in their order', (t) => {
  fc.assert(
    fc.property(plainValue, (value) => {
      const copy = roundTrip(value);
      deepStrictEqual(copy, value);
      deepStrictEqual(keysOf(copy), keysOf(value));
    }),
    { numRuns: 2_000 },
  );
  t.end();
});

t.test('numbers arrive to the bit', (t) => {
  const numbers = [
    0, -0, 1, -1, NaN, Infinity, -Infinity, 0.1, 5e-324, -5e-324, Number.MAX_VALUE, 2 ** 31, -(2 ** 31), 2 ** 32,
    2 ** 53 - 1, -(2 ** 53 - 1), 2 ** 53, -(2 ** 53), 2 ** 63, -(2 ** 63), 1e21,
  ]; // prettier-ignore
  for (const number of numbers) {
    t.ok(Object.is(roundTrip(number), number), String(number));
  }
  t.end();
});

t.test('a date arrives as one, also one that is invalid', (t) => {
  for (const time of [0, -1, 8.64e15, -8.64e15, NaN]) {
    const date = roundTrip(new Date(time));
    t.ok(date instanceof Date && Object.is(date.getTime(), time), String(time));
  }
  t.end();
});

t.test('a bigint arrives as a number if that is safe, and as a bigint otherwise', (t) => {
  t.equal(roundTrip(5n), 5);
  t.equal(roundTrip(0n), 0);
  t.equal(roundTrip(2n ** 53n - 1n), 2 ** 53 - 1);
  t.equal(roundTrip(2n ** 53n), 2n ** 53n);
  t.equal(roundTrip(-(2n ** 53n)), -(2n ** 53n));
  t.equal(roundTrip(2n ** 63n - 1n), 2n ** 63n - 1n);
  t.equal(roundTrip(-(2n ** 63n)), -(2n ** 63n));
  t.end();
});

t.test('a bigint of more than 64 bits is refused', (t) => {
  throwsUnsupported(t, { n: 2n ** 63n }, 'params.n');
  throwsUnsupported(t, { n: -(2n ** 63n) - 1n }, 'params.n');
  t.end();
});

t.test('the key __proto__ is a property, and no prototype', (t) => {
  const value = JSON.parse('{"__proto__":{"admin":true},"a":1}') as object;
  const copy = roundTrip(value) as Record<string, PlainValue>;
  t.equal(Object.getPrototypeOf(copy), Object.prototype);
  t.same(Object.keys(copy), ['__proto__', 'a']);
  t.equal(copy.admin, undefined);
  t.end();
});

t.test('an object with far apart or many indices as keys keeps them all', (t) => {
  const value: Record<string, PlainValue> = {};
  for (let i = 0; i < 500; i++) {
    value[(i * 7919) % 100_003] = i;
    value[`name ${i}`] = i;
  }
  value[4294967294] = 'the last index';
  value[4294967295] = 'no index';
  const copy = roundTrip(value) as Record<string, PlainValue>;
  t.strictSame(copy, value);
  t.strictSame(Object.keys(copy), Object.keys(value));
  t.end();
});

t.test('undefined is null at the top, and refused inside of a value', (t) => {
  t.equal(roundTrip(undefined), null);
  throwsUnsupported(t, { a: undefined }, 'params.a');
  throwsUnsupported(t, [1, undefined], 'params[1]');
  throwsUnsupported(t, new Array(3), 'params[0]');
  t.end();
});

t.test('what is no plain value is refused, with its path', (t) => {
  const fn = () => 1;
  throwsUnsupported(t, fn, 'params');
  throwsUnsupported(t, { filters: [0, 1, 2, { fn }] }, 'params.filters[3].fn');
  throwsUnsupported(t, { 'a b': [Symbol('s')] }, 'params["a b"][0]');
  throwsUnsupported(t, { [Symbol('s')]: 1 }, 'params["Symbol(s)"]');
  throwsUnsupported(t, new Map([['k', fn]]), 'params.k');
  throwsUnsupported(t, { map: new Map([[1, 2]]) }, 'params.map');
  for (const value of [
    new Point(),
    new (class Rows extends Array<number> {})(),
    new (class Day extends Date {})(),
    new (class Dictionary extends Map<string, number> {})(),
    new Set(),
    new Error('e'),
    /r/,
    Promise.resolve(),
    new Float64Array(1),
    new ArrayBuffer(1),
    new DataView(new ArrayBuffer(1)),
    Object(1) as object,
    Object.create({ inherited: 1 }) as object,
    new WeakMap(),
    new URL('file:///'),
  ]) {
    throwsUnsupported(t, { a: [value] }, 'params.a[0]');
  }
  t.match(throwsUnsupported(t, new Point(), 'params')?.reason, /Point/);
  t.end();
});

t.test('a cycle is refused where it closes', (t) => {
  const a: Record<string, unknown> = {};
  a.list = [{ a }];
  throwsUnsupported(t, a, 'params.list[0].a');
  const map = new Map<string, unknown>();
  map.set('self', map);
  throwsUnsupported(t, [map], 'params[0].self');
  t.end();
});

t.test('an object that is there twice is sent twice', (t) => {
  const shared = { x: 1 };
  t.strictSame(roundTrip({ a: shared, b: [shared, shared] }), { a: { x: 1 }, b: [{ x: 1 }, { x: 1 }] });
  t.end();
});

t.test('a lone surrogate is refused, in a value and in a key', (t) => {
  for (const text of ['\ud800', 'a\udfffb', `${'x'.repeat(100)}\ud83d`]) {
    throwsUnsupported(t, [text], 'params[0]');
    t.throws(() => encode({ [text]: 1 }), { code: 'ERR_UNSUPPORTED_VALUE' });
    t.throws(() => encode(new Map([[text, 1]])), { code: 'ERR_UNSUPPORTED_VALUE' });
  }
  t.end();
});

t.test('a Buffer arrives as a Uint8Array', (t) => {
  const copy = roundTrip(Buffer.from('abc'));
  t.equal(Object.getPrototypeOf(copy), Uint8Array.prototype);
  t.same([...(copy as Uint8Array)], [97, 98, 99]);
  t.end();
});

t.test('what is plain in another realm is plain', (t) => {
  const value: unknown = runInNewContext(
    `({ a: [1], d: new Date(5), m: new Map([['k', Object.create(null)]]), b: new Uint8Array(2) })`,
  );
  t.strictSame(roundTrip(value), { a: [1], d: new Date(5), m: new Map([['k', {}]]), b: new Uint8Array(2) });
  const instance: unknown = runInNewContext('new (class Point {})');
  throwsUnsupported(t, instance, 'params');
  t.end();
});

t.test('the depth limit holds on both sides, to the level', (t) => {
  const nested = (depth: number): PlainValue =>
    depth === 0 ? 1 : depth % 2 ? [nested(depth - 1)] : { a: nested(depth - 1) };
  const tooDeep = { code: 'ERR_VALUE_TOO_LARGE', limit: 'maxDepth', max: 10 };
  const bytes = encode(nested(10), { maxDepth: 10 });
  t.strictSame(decodeValue(bytes, { limits: { maxDepth: 10 } }), nested(10));
  t.throws(() => encode(nested(11), { maxDepth: 10 }), tooDeep);
  t.throws(() => decodeValue(encode(nested(11)), { limits: { maxDepth: 10 } }), tooDeep);
  t.end();
});

t.test('what lies side by side adds nothing to the depth', (t) => {
  const limits = { maxDepth: 2 };
  const value = Array.from({ length: 10 }, () => [[], {}, new Map()]).flat();
  t.strictSame(decodeValue(encode(value, limits), { limits }), value);
  t.end();
});

t.test('the deepest value that a caller can allow fits on the stack', (t) => {
  let value: PlainValue = 1;
  for (let level = 0; level < 1_000; level++) {
    value = level % 2 ? [value] : { a: value };
  }
  const limits = { maxDepth: Infinity };
  t.strictSame(decodeValue(encode(value, limits), { limits }), value);
  t.throws(() => encode([value], limits), { code: 'ERR_VALUE_TOO_LARGE', max: 1_000 });
  t.end();
});

t.test('the element limit holds on both sides, to the element', (t) => {
  const value = { a: [1, 2, 3], b: null };
  const tooMany = { code: 'ERR_VALUE_TOO_LARGE', limit: 'maxElements' };
  const bytes = encode(value, { maxElements: 6 });
  t.strictSame(decodeValue(bytes, { limits: { maxElements: 6 } }), value);
  t.throws(() => encode(value, { maxElements: 5 }), tooMany);
  t.throws(() => decodeValue(bytes, { limits: { maxElements: 5 } }), tooMany);
  t.end();
});

t.test('the byte limit holds on both sides, to the byte', (t) => {
  for (const value of [
    'x'.repeat(3_000_000),
    new Uint8Array(10),
    Array.from({ length: 5_000 }, (_, i) => i),
  ]) {
    const { length } = encode(value);
    const tooLarge = { code: 'ERR_VALUE_TOO_LARGE', limit: 'maxBytes' };
    const bytes = encode(value, { maxBytes: length });
    t.ok(decodeValue(bytes, { limits: { maxBytes: length } }));
    t.throws(() => encode(value, { maxBytes: length - 1 }), tooLarge);
    t.throws(() => decodeValue(bytes, { limits: { maxBytes: length - 1 } }), tooLarge);
  }
  t.end();
});

t.test('what is encoded shares no memory with the value', (t) => {
  const value = new Uint8Array(100_000).fill(1);
  const chunks = encodeValue([value]);
  value.fill(2);
  t.strictSame(decodeValue(Buffer.concat(chunks)), [new Uint8Array(100_000).fill(1)]);
  t.end();
});

t.test('what is decoded shares memory with the bytes only if they are given away', (t) => {
  const bytes = encode(new Uint8Array(100_000));
  const copy = decodeValue(bytes) as Uint8Array;
  const view = decodeValue(bytes, { ownsBytes: true }) as Uint8Array;
  bytes.fill(9, 100, 200);
  t.equal(copy.indexOf(9), -1);
  t.not(view.indexOf(9), -1);
  t.end();
});

t.test('a small binary in a large message is a copy, even of bytes that are given away', (t) => {
  const bytes = encode(['x'.repeat(1_000), new Uint8Array(10)]);
  const [, small] = decodeValue(bytes, { ownsBytes: true }) as [string, Uint8Array];
  t.equal(small.buffer.byteLength, 10);
  t.end();
});

t.test('a value of 50 MB is encoded in as many bytes, in pieces of which one is all of it', (t) => {
  for (const value of ['x'.repeat(50_000_000), new Uint8Array(50_000_000)]) {
    const chunks = encodeValue(value);
    t.same(Math.max(...chunks.map((chunk) => chunk.length)), 50_000_000);
    t.ok(chunks.reduce((sum, chunk) => sum + chunk.buffer.byteLength, 0) < 50_100_000);
  }
  t.end();
});
