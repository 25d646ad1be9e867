// Values of fixed width that are not any bits whatever: times, dates, timestamps, decimals.
import t, { type Test } from 'tap';
import * as arrow from 'apache-arrow';
import { NONE, bits, column } from '../../helpers/arrow/craft.js';
import { accepts, refuses } from '../../helpers/arrow/expect.js';

function one(type: arrow.DataType, values: ArrayBufferView & { length: number }, nulls = ''): Uint8Array {
  const length = nulls === '' ? values.length / (arrow.DataType.isDecimal(type) ? 4 : 1) : nulls.length;
  const nullCount = nulls.split('0').length - 1;
  return column(type, {
    length,
    nodes: [[length, nullCount]],
    buffers: [nulls === '' ? NONE : bits(nulls), values],
  });
}

t.test('times of day are within the day', (t) => {
  const day = 86_400;
  for (const [name, type, unit] of [
    ['seconds', new arrow.TimeSecond(), 1],
    ['milliseconds', new arrow.TimeMillisecond(), 1000],
  ] as const) {
    accepts(t, one(type, Int32Array.of(0, day * unit - 1)), name);
    refuses(t, one(type, Int32Array.of(0, day * unit)), 'value', `${name}: a day`);
    refuses(t, one(type, Int32Array.of(-1)), 'value', `${name}: negative`);
  }
  for (const [name, type, unit] of [
    ['microseconds', new arrow.TimeMicrosecond(), 1_000_000n],
    ['nanoseconds', new arrow.TimeNanosecond(), 1_000_000_000n],
  ] as const) {
    const end = BigInt(day) * unit;
    accepts(t, one(type, BigInt64Array.of(0n, end - 1n)), name);
    refuses(t, one(type, BigInt64Array.of(0n, end)), 'value', `${name}: a day`);
    refuses(t, one(type, BigInt64Array.of(-1n)), 'value', `${name}: negative`);
    refuses(t, one(type, BigInt64Array.of(2n ** 62n)), 'value', `${name}: huge`);
  }
  t.end();
});

t.test('what a null slot holds does not matter', (t) => {
  accepts(t, one(new arrow.TimeSecond(), Int32Array.of(1, -1, 2, 10 ** 9), '1010'), 'times');
  refuses(
    t,
    one(new arrow.TimeSecond(), Int32Array.of(1, -1, -2, 10 ** 9), '1010'),
    'value',
    'a wrong one between',
  );
  accepts(t, one(new arrow.DateMillisecond(), BigInt64Array.of(0n, 2n ** 62n), '10'), 'dates');
  t.end();
});

/** Checks that the validator draws the line where apache-arrow does. */
function agrees(t: Test, type: arrow.DataType, value: bigint): void {
  const bytes = one(type, BigInt64Array.of(value));
  let readable = true;
  try {
    arrow.tableFromIPC(bytes).getChildAt(0)?.get(0);
  } catch {
    readable = false;
  }
  if (readable) accepts(t, bytes, `${type.constructor.name} ${value}`);
  else refuses(t, bytes, 'value', `${type.constructor.name} ${value}`);
}

t.test('runs of nulls are passed over, and no value among them', (t) => {
  const length = 45;
  const times = (nulls: string): Uint8Array =>
    column(new arrow.TimeSecond(), {
      length,
      nodes: [[length, nulls.split('0').length - 1]],
      buffers: [bits(nulls), new Int32Array(length).fill(-1)],
    });
  accepts(t, times('0'.repeat(length)), 'nothing but nulls');
  for (let i = 0; i < length; i++) {
    refuses(t, times(`${'0'.repeat(i)}1${'0'.repeat(length - i - 1)}`), 'value', `but for value ${i}`);
  }
  t.end();
});

t.test('dates and timestamps are accepted as far as apache-arrow can turn them into numbers', (t) => {
  const safe = 2n ** 53n - 1n;
  const values = [0n, 1n, -1n, 2n ** 62n, -(2n ** 63n), 2n ** 63n - 1n];
  for (const limit of [safe, safe * 1000n, safe * 1000n + 999n, 2n ** 32n, 2n ** 52n]) {
    for (const near of [-1n, 0n, 1n]) values.push(limit + near, -limit + near);
  }
  for (const type of [
    new arrow.DateMillisecond(),
    new arrow.TimestampSecond(),
    new arrow.TimestampMillisecond(),
    new arrow.TimestampMicrosecond(),
    new arrow.TimestampNanosecond(),
  ]) {
    for (const value of values) if (value === BigInt.asIntN(64, value)) agrees(t, type, value);
  }
  t.end();
});

t.test('decimals have no more digits than their precision', (t) => {
  const words = (value: bigint): Uint32Array =>
    Uint32Array.from({ length: 4 }, (_, i) =>
      Number((BigInt.asUintN(128, value) >> BigInt(32 * i)) & 0xffffffffn),
    );
  for (const precision of [1, 5, 9, 10, 18, 19, 28, 29, 30, 37, 38]) {
    const limit = 10n ** BigInt(precision);
    const type = new arrow.Decimal(2, precision, 128);
    for (const value of [0n, 1n, -1n, limit / 2n, -limit / 3n, limit - 1n, -limit + 1n]) {
      accepts(t, one(type, words(value)), `${value} of ${precision} digits`);
    }
    for (const value of [
      limit,
      -limit,
      limit + 1n,
      limit * 2n,
      -limit * 3n,
      2n ** 127n - 1n,
      -(2n ** 127n),
    ]) {
      if (value !== BigInt.asIntN(128, value)) continue;
      refuses(t, one(type, words(value)), 'value', `${value} of ${precision} digits`);
    }
  }
  t.end();
});
