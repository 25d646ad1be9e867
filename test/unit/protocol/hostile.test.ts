// What a hostile child can write: it is refused with a typed error that says where, or decoded to plain values.
import { deepStrictEqual } from 'node:assert';
import fc from 'fast-check';
import t, { type Test } from 'tap';
import { BadMessageError, ValueTooLargeError } from '../../../protocol/errors.js';
import { decodeResult, encodeResult, type Outcome } from '../../../protocol/messages.js';
import { plainValue } from './arbitrary.js';
import * as b from './bytes.js';

const { values, entry, returned } = b;

function refuses(
  t: Test,
  bytes: Uint8Array,
  path: string,
  offset: number,
  reason: RegExp,
  name?: string,
): void {
  t.throws(
    () => decodeResult(bytes),
    { code: 'ERR_BAD_MESSAGE', path, offset, reason },
    name ?? String(reason),
  );
}

/** Where the value begins in what {@link returned} gives, and how its paths begin. */
const VALUE = 9;
const root = 'result.outcome.returned.value';

/** A result with everything in it. */
const sample: Outcome = {
  kind: 'returned',
  value: {
    list: [null, true, false, 1, -1.5, 'text', 'Zürich', new Uint8Array([1, 2]), new Date(0), [], 2n ** 60n],
    map: new Map([['k', { 5: 'index' }]]),
    ['__proto__']: 'x'.repeat(60),
  },
  tables: [{ name: 't', offset: 0, length: 100 }],
};
const sampleBytes = Buffer.concat(encodeResult(sample));

/** Typed errors only; and what is accepted is a result, which can be sent again. */
function check(bytes: Uint8Array): 'accepted' | 'refused' {
  let outcome: Outcome;
  try {
    outcome = decodeResult(bytes);
  } catch (error) {
    if (error instanceof BadMessageError || error instanceof ValueTooLargeError) {
      return 'refused';
    }
    throw error;
  }
  deepStrictEqual(decodeResult(Buffer.concat(encodeResult(outcome))), outcome);
  return 'accepted';
}

t.test('the bytes that these tests write by hand are what the encoder writes', (t) => {
  const value = values.fields([
    entry('a', values.items([values.nothing, values.flag(1), values.integer(-5n), values.real(0.5)])),
    entry('b', values.entries([entry('c', values.text('d'))])),
    entry('e', values.items([values.bytes(Buffer.of(1)), values.date(7)])),
  ]);
  const outcome: Outcome = {
    kind: 'returned',
    value: { a: [null, true, -5, 0.5], b: new Map([['c', 'd']]), e: [new Uint8Array([1]), new Date(7)] },
    tables: [{ name: 't', offset: 3, length: 4 }],
  };
  const bytes = returned(value, [b.table('t', 3n, 4n)]);
  t.strictSame(bytes, Buffer.concat(encodeResult(outcome)));
  t.strictSame(decodeResult(bytes), outcome);
  t.end();
});

t.test('a result that is cut anywhere is refused', (t) => {
  for (let length = 0; length < sampleBytes.length; length++) {
    t.equal(check(sampleBytes.subarray(0, length)), 'refused', `${length} bytes`);
  }
  refuses(t, Buffer.alloc(0), 'result', 0, /ends too early/);
  t.end();
});

t.test('a result with any one bit changed is refused, or is another result', (t) => {
  const counts = { accepted: 0, refused: 0 };
  for (let bit = 0; bit < sampleBytes.length * 8; bit++) {
    const bytes = Buffer.from(sampleBytes);
    bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    counts[check(bytes)]++;
  }
  // Numbers and texts have bits that may be either.
  t.ok(counts.accepted > 100);
  t.ok(counts.refused > counts.accepted);
  t.end();
});

t.test('a result with bytes left out, put in or put elsewhere is refused, or is another result', (t) => {
  const mutation = fc.record({
    at: fc.nat(),
    length: fc.nat({ max: 20 }),
    bytes: fc.uint8Array({ maxLength: 20 }),
  });
  fc.assert(
    fc.property(plainValue, fc.array(mutation, { minLength: 1, maxLength: 4 }), (value, mutations) => {
      let bytes = Buffer.concat(encodeResult({ kind: 'returned', value, tables: [] }));
      for (const { at, length, bytes: inserted } of mutations) {
        const start = at % (bytes.length + 1);
        bytes = Buffer.concat([bytes.subarray(0, start), inserted, bytes.subarray(start + length)]);
      }
      check(bytes);
    }),
    { numRuns: 5_000 },
  );
  t.end();
});

t.test('any bytes are refused, or are a result', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200, size: 'max' }), (bytes) => void check(bytes)),
    {
      numRuns: 5_000,
    },
  );
  t.end();
});

// -- One attack each ---------------------------------------------------------------------------------------------------

t.test('a byte after the end is refused', (t) => {
  const bytes = returned(values.nothing);
  refuses(t, Buffer.concat([bytes, Buffer.of(0)]), 'result', bytes.length, /1 bytes after the end/);
  t.end();
});

t.test('negative and huge lengths are refused where they stand', (t) => {
  for (const length of [-1, -(2 ** 31), 2 ** 31 - 1, 10_000]) {
    const size = b.i32(length);
    const reason = length < 0 ? /negative/ : /where \d+ bytes are left/;
    refuses(t, returned(b.struct(b.field(b.STRING, 5, size))), root, VALUE + 3, reason, `text ${length}`);
    refuses(t, returned(b.struct(b.field(b.STRING, 6, size))), root, VALUE + 3, reason, `bytes ${length}`);
    for (const id of [8, 9, 10]) {
      const list = b.struct(b.field(b.LIST, id, b.list(b.STRUCT, length)));
      refuses(t, returned(list), root, VALUE + 4, reason, `list ${id} ${length}`);
    }
  }
  t.end();
});

t.test('a member of a value that has the type of another is refused', (t) => {
  const types = [b.STRUCT, b.BOOL, b.I64, b.DOUBLE, b.STRING, b.STRING, b.DOUBLE, b.LIST, b.LIST, b.LIST];
  for (const [index, type] of types.entries()) {
    // 1 and 9 to 14 are nothing that this protocol has.
    for (let other = 1; other < 256; other++) {
      if (other !== type) {
        refuses(t, returned(b.struct(b.field(other, index + 1, Buffer.alloc(20)))), root, VALUE, /type/);
      }
    }
  }
  t.end();
});

t.test('a field of a struct that has another type is refused, and so is a list of other elements', (t) => {
  const path = 'result.outcome.returned.tables';
  const wrong = b.struct(b.field(b.STRUCT, 1, values.nothing), b.field(b.STRUCT, 2, b.stop));
  refuses(
    t,
    b.struct(b.field(b.STRUCT, 1, b.struct(b.field(b.STRUCT, 1, wrong)))),
    path,
    14,
    /struct, and not list/,
  );
  const strings = b.struct(b.field(b.STRUCT, 1, values.nothing), b.field(b.LIST, 2, b.list(b.STRING, 0)));
  refuses(
    t,
    b.struct(b.field(b.STRUCT, 1, b.struct(b.field(b.STRUCT, 1, strings)))),
    path,
    17,
    /list of string/,
  );
  const items = b.struct(b.field(b.LIST, 8, b.list(b.BOOL, 1, Buffer.of(1))));
  refuses(t, returned(items), root, VALUE + 3, /list of bool/);
  t.end();
});

t.test('unknown fields are refused', (t) => {
  refuses(t, b.struct(b.field(b.BOOL, 2, Buffer.of(1))), 'result', 0, /unknown field 2/);
  refuses(t, b.struct(b.field(b.STRUCT, -1, b.stop)), 'result', 0, /unknown field -1/);
  refuses(t, returned(b.struct(b.field(b.BOOL, 11, Buffer.of(1)))), root, VALUE, /unknown kind 11/);
  t.end();
});

t.test('a field that comes twice, or before one with a lower id, is refused', (t) => {
  const name = b.field(b.STRING, 1, b.string('n'));
  const offset = b.field(b.I64, 2, b.i64(0n));
  const length = b.field(b.I64, 3, b.i64(0n));
  const at = (tables: Uint8Array): Buffer => returned(values.nothing, [tables]);
  const path = 'result.outcome.returned.tables[0]';
  t.ok(decodeResult(at(b.struct(name, offset, length))));
  refuses(t, at(b.struct(name, name, offset, length)), `${path}.name`, 30, /again/);
  refuses(t, at(b.struct(name, length, offset)), `${path}.offset`, 41, /too late/);
  t.end();
});

t.test('missing fields are refused, and named', (t) => {
  refuses(t, b.struct(), 'result', 0, /missing: outcome/);
  refuses(
    t,
    returned(values.nothing, [b.struct()]),
    'result.outcome.returned.tables[0]',
    22,
    /name, offset, length/,
  );
  t.end();
});

t.test('a union with no member or with two is refused', (t) => {
  refuses(t, b.struct(b.field(b.STRUCT, 1, b.struct())), 'result.outcome', 3, /0 members/);
  refuses(t, returned(b.struct()), root, VALUE, /no member/);
  const two = b.struct(b.field(b.BOOL, 2, Buffer.of(1)), b.field(b.BOOL, 2, Buffer.of(1)));
  refuses(t, returned(two), root, VALUE + 4, /too many/);
  const badReturn = b.struct(...[1, 2, 3].map((id) => b.field(b.STRING, id, b.string('x'))));
  const threw = b.struct(
    b.field(b.STRUCT, 1, b.struct(...[1, 2].map((id) => b.field(b.STRING, id, b.string('x'))))),
    b.field(b.LIST, 2, b.listOf([])),
  );
  const outcome = b.struct(b.field(b.STRUCT, 2, threw), b.field(b.STRUCT, 3, badReturn));
  refuses(t, b.struct(b.field(b.STRUCT, 1, outcome)), 'result.outcome', 3, /2 members/);
  t.end();
});

t.test('more causes than are ever sent are refused, before any is read', (t) => {
  const error = b.struct(...[1, 2].map((id) => b.field(b.STRING, id, b.string('x'))));
  const threw = (count: number): Buffer => {
    const causes = b.listOf(Array.from({ length: count }, () => error));
    const fields = b.struct(b.field(b.STRUCT, 1, error), b.field(b.LIST, 2, causes));
    return b.struct(b.field(b.STRUCT, 1, b.struct(b.field(b.STRUCT, 2, fields))));
  };
  t.match(decodeResult(threw(8)), { kind: 'threw', causes: { length: 8 } });
  refuses(t, threw(9), 'result.outcome.threw.causes', 29, /9 causes, and at most 8/);
  t.end();
});

t.test('null, with something in it, is refused', (t) => {
  const nothing = b.struct(b.field(b.STRUCT, 1, b.struct(b.field(b.BOOL, 1, Buffer.of(1)))));
  refuses(t, returned(nothing), root, VALUE + 3, /too many/);
  t.end();
});

t.test('an entry without its key or value, or with more than these, is refused', (t) => {
  const key = b.field(b.STRING, 1, b.string('k'));
  const value = b.field(b.STRUCT, 2, values.nothing);
  for (const [fields, reason] of [
    [[], /'key' is missing/],
    [[key], /'value' is missing/],
    [[value], /field 2 where 'key'/],
    [[key, key, value], /field 1 where 'value'/],
    [[key, value, value], /too many/],
    [[b.field(b.BOOL, 1, Buffer.of(1)), value], /bool, and not string/],
  ] as [Uint8Array[], RegExp][]) {
    for (const container of [values.fields, values.entries]) {
      const bytes = returned(container([b.struct(...fields)]));
      t.throws(() => decodeResult(bytes), { code: 'ERR_BAD_MESSAGE', reason });
    }
  }
  t.end();
});

t.test('a key that comes twice is refused, however its object resembles the one before', (t) => {
  for (const container of [values.fields, values.entries]) {
    for (const keys of ['a a', 'a b a', 'a b c b', '__proto__ a __proto__', '7 8 7'].map((all) =>
      all.split(' '),
    )) {
      const twice = container(keys.map((key) => entry(key, values.nothing)));
      t.throws(() => decodeResult(returned(twice)), {
        code: 'ERR_BAD_MESSAGE',
        reason: /key that came before/,
      });
      // Keys are first compared with those of the object before: these begin with the same.
      const before = container([...new Set(keys)].map((key) => entry(key, values.nothing)));
      t.throws(() => decodeResult(returned(values.items([before, twice]))), {
        code: 'ERR_BAD_MESSAGE',
        reason: /key that came before/,
      });
    }
  }
  const before = values.fields([entry('a', values.nothing), entry('b', values.nothing)]);
  const twice = values.fields([entry('b', values.nothing), entry('b', values.nothing)]);
  t.throws(() => decodeResult(returned(values.items([before, twice]))), {
    code: 'ERR_BAD_MESSAGE',
    reason: /key that came before/,
  });
  t.end();
});

t.test('a key that resembles the one before it in Latin-1 and not in UTF-8 is refused', (t) => {
  const before = values.fields([entry('é', values.nothing)]);
  const bad = values.fields([entry(Buffer.of(0xe9), values.nothing)]);
  t.throws(() => decodeResult(returned(values.items([before, bad]))), {
    code: 'ERR_BAD_MESSAGE',
    reason: /not UTF-8/,
  });
  t.end();
});

t.test('the key __proto__ sets no prototype', (t) => {
  const bytes = returned(
    values.fields([entry('__proto__', values.fields([entry('admin', values.flag(1))]))]),
  );
  const outcome = decodeResult(bytes);
  const value = (outcome.kind === 'returned' && outcome.value) as Record<string, unknown>;
  t.equal(Object.getPrototypeOf(value), Object.prototype);
  t.strictSame(Object.keys(value), ['__proto__']);
  t.equal(value.admin, undefined);
  t.equal(({} as Record<string, unknown>).admin, undefined);
  t.end();
});

t.test('a string that is not UTF-8 is refused, wherever it is', (t) => {
  const bad = [
    [0xff],
    [0xc0, 0x80], // overlong
    [0xed, 0xa0, 0x80], // a surrogate
    [0xf4, 0x90, 0x80, 0x80], // above U+10FFFF
    [0xe2, 0x82], // cut
    [0x80],
  ].map((bytes) => Buffer.from(bytes));
  for (const bytes of bad) {
    refuses(t, returned(values.text(bytes)), root, VALUE + 7, /not UTF-8/);
    const long = Buffer.concat([Buffer.alloc(100, 'x'), bytes]);
    refuses(t, returned(values.text(long)), root, VALUE + 7, /not UTF-8/);
    t.throws(() => decodeResult(returned(values.fields([entry(bytes, values.nothing)]))), {
      code: 'ERR_BAD_MESSAGE',
      reason: /not UTF-8/,
    });
    const name = b.struct(b.field(b.STRING, 1, b.string(bytes)));
    t.throws(() => decodeResult(returned(values.nothing, [name])), {
      code: 'ERR_BAD_MESSAGE',
      path: 'result.outcome.returned.tables[0].name',
      reason: /not UTF-8/,
    });
  }
  t.end();
});

t.test('a bool that is neither 0 nor 1, and a date that is none, are refused', (t) => {
  for (let byte = 2; byte < 256; byte++) {
    refuses(t, returned(values.flag(byte)), root, VALUE + 3, /bool/);
  }
  for (const ms of [0.5, 8.64e15 + 1, -8.64e15 - 1, Infinity, -Infinity]) {
    refuses(t, returned(values.date(ms)), root, VALUE + 3, /date/);
  }
  t.end();
});

t.test('sizes and offsets of tables that are negative or not safe are refused', (t) => {
  for (const bad of [-1n, -(2n ** 63n), 2n ** 53n, 2n ** 63n - 1n]) {
    const path = 'result.outcome.returned.tables[0]';
    refuses(t, returned(values.nothing, [b.table('n', bad, 0n)]), `${path}.offset`, 33, /no size/);
    refuses(t, returned(values.nothing, [b.table('n', 0n, bad)]), `${path}.length`, 44, /no size/);
  }
  t.end();
});

t.test('two tables of the same name are refused', (t) => {
  const bytes = returned(values.nothing, [b.table('a', 0n, 1n), b.table('b', 0n, 1n), b.table('a', 0n, 1n)]);
  refuses(t, bytes, 'result.outcome.returned.tables[2].name', bytes.length, /name of another/);
  t.end();
});

t.test('the path of an error leads through lists, objects and maps', (t) => {
  const bad = values.flag(2);
  const value = values.items([
    values.nothing,
    values.fields([
      entry('a', values.nothing),
      entry('x y', values.entries([entry('m', values.items([bad]))])),
    ]),
  ]);
  t.throws(() => decodeResult(returned(value)), { code: 'ERR_BAD_MESSAGE', path: `${root}[1]["x y"].m[0]` });
  t.end();
});

t.test('a path never gets long, whatever the keys are and however deep it leads', (t) => {
  let value = values.flag(2);
  for (let depth = 0; depth < 90; depth++) {
    value = values.fields([entry('k'.repeat(10_000), value)]);
  }
  try {
    decodeResult(returned(value));
    t.fail('was accepted');
  } catch (error) {
    t.ok(error instanceof BadMessageError && error.message.length < 2_000);
  }
  t.end();
});
