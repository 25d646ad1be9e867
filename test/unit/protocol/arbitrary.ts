/** Plain values for fast-check. */
import fc from 'fast-check';
import type { PlainValue } from '../../../protocol/value.js';

const key = fc.oneof(
  { weight: 5, arbitrary: fc.string({ unit: 'binary' }) },
  { weight: 1, arbitrary: fc.constantFrom('__proto__', 'constructor', 'length', '') },
  { weight: 1, arbitrary: fc.nat().map(String) },
);

/** One that an i64 holds and a number doesn't: a smaller one arrives as a number. */
const bigint = fc
  .bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
  .filter((value) => !Number.isSafeInteger(Number(value)));

export const plainValue: fc.Arbitrary<PlainValue> = fc.letrec<{ value: PlainValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constant(null),
    fc.boolean(),
    fc.integer(),
    fc.maxSafeInteger(),
    fc.double(),
    bigint,
    fc.string({ unit: 'binary' }),
    fc.string({ unit: 'binary', minLength: 40, maxLength: 60 }),
    fc.uint8Array(),
    // Invalid dates have a test of their own: deepStrictEqual() of Node 20 takes no two of them for equal.
    fc.date({ noInvalidDate: true }),
    fc.array(tie('value')),
    fc.dictionary(key, tie('value'), { noNullPrototype: true }),
    fc.array(fc.tuple(key, tie('value'))).map((entries) => new Map(entries)),
  ),
})).value;
