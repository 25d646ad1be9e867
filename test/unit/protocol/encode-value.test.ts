// Values that change while they are read, throw, or have no end: whatever one does, the bytes are well-formed or there
// is a typed error.
import t from 'tap';
import { NodespawnerError, UnsupportedValueError, ValueTooLargeError } from '../../../protocol/errors.js';
import { decodeValue, encodeValue, type PlainValue } from '../../../protocol/value.js';

const encode = (value: unknown): Buffer =>
  Buffer.concat(encodeValue(value, { root: 'params', limits: { maxElements: 1_000 } }));
const roundTrip = (value: unknown): PlainValue => decodeValue(encode(value));

/** @returns the value, or the code of the typed error */
function attempt(value: unknown): PlainValue {
  try {
    return roundTrip(value);
  } catch (error) {
    if (error instanceof UnsupportedValueError || error instanceof ValueTooLargeError) {
      return error.code;
    }
    throw error;
  }
}

const withGetter = (get: () => unknown): object => Object.defineProperty({}, 'a', { enumerable: true, get });

t.test('a getter is called once, and what it gave is what is checked and sent', (t) => {
  let calls = 0;
  const value = withGetter(() => (calls++ === 0 ? 'once' : () => 1));
  t.strictSame(roundTrip(value), { a: 'once' });
  t.equal(calls, 1);
  t.end();
});

t.test('a getter or a proxy that throws is refused, with its path and its error', (t) => {
  const cause = new Error('no');
  const fail = (): never => {
    throw cause;
  };
  const refused = { code: 'ERR_UNSUPPORTED_VALUE', cause };
  t.throws(() => encode([withGetter(fail)]), { ...refused, path: 'params[0].a' });
  for (const trap of ['getPrototypeOf', 'ownKeys', 'get', 'getOwnPropertyDescriptor'] as const) {
    const proxy = new Proxy({ a: 1 }, { [trap]: fail });
    t.throws(() => encode({ proxy }), refused);
    t.throws(() => encode(proxy), refused);
  }
  t.end();
});

t.test('an error thrown by a getter that looks like one of ours is not taken for one', (t) => {
  const ours = new NodespawnerError('ERR_X', 'x');
  const value = withGetter(() => {
    throw ours;
  });
  t.throws(() => encode(value), { code: 'ERR_UNSUPPORTED_VALUE', path: 'params.a', cause: ours });
  t.end();
});

t.test('an array that changes while it is read gives well-formed bytes', (t) => {
  const shrinking: unknown[] = [withGetter(() => (shrinking.length = 1)), 2, 3];
  t.equal(attempt(shrinking), 'ERR_UNSUPPORTED_VALUE');
  const growing: unknown[] = [withGetter(() => growing.push(1))];
  t.strictSame(attempt(growing), [{ a: 2 }]);
  t.end();
});

t.test('a map that changes while it is read gives well-formed bytes', (t) => {
  const map = new Map<string, unknown>();
  map.set(
    'k',
    withGetter(() => map.set('b', 1).size),
  );
  t.strictSame(attempt(map), new Map([['k', { a: 2 }]]));
  t.end();
});

t.test('a proxy of an array can lie about its length, and not break the bytes', (t) => {
  for (const length of [2.5, -1, NaN, Infinity, '2', null, 2 ** 40, { valueOf: () => 2 }]) {
    const proxy = new Proxy([1, 2, 3], {
      get: (target, key) => (key === 'length' ? length : (Reflect.get(target, key) as unknown)),
    });
    t.match(attempt(proxy), /^ERR_/, String(length));
  }
  t.end();
});

t.test('properties of an instance that hide built-in ones change nothing', (t) => {
  const bytes = Object.defineProperty(new Uint8Array([1, 2]), 'length', { value: 1_000 });
  const date = Object.assign(new Date(5), { getTime: () => 'x' });
  const map = Object.assign(new Map([['a', 1]]), { entries: () => [], forEach: () => 1 });
  Object.defineProperty(map, 'size', { value: 7 });
  t.strictSame(roundTrip({ bytes, date, map }), {
    bytes: new Uint8Array([1, 2]),
    date: new Date(5),
    map: new Map([['a', 1]]),
  });
  t.end();
});

t.test('a value without an end is refused', (t) => {
  const endless = (): object =>
    new Proxy(
      { a: 1 },
      { get: (target, key) => (key === 'a' ? endless() : Reflect.get(target, key)) as unknown },
    );
  t.equal(attempt(endless()), 'ERR_VALUE_TOO_LARGE');
  t.end();
});
