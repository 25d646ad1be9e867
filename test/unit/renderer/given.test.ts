// What a child says that a function returned, which may be anything.
import fc from 'fast-check';
import t from 'tap';
import type { PlainValue } from '../../../lib/index.js';
import { readExports, readGiven, readParams } from '../../../renderer/given.js';
import { CountedStep } from '../../helpers/counted-step.js';

const step = { id: 'a', code: 'one\ntwo' };

t.test('what the adapter writes is read', (t) => {
  t.strictSame(
    readGiven({ value: 1, warnings: [{ text: 'w' }], errors: [{ text: 'e', line: 2, column: 1 }] }, step),
    {
      value: 1,
      warnings: [{ code: 'reported', text: 'w' }],
      errors: [{ code: 'reported', text: 'e', place: { file: 'a.js', line: 2, column: 1 } }],
    },
  );
  t.strictSame(readGiven({ bad: 'it is' }, step), { bad: 'it is' });
  t.strictSame(readParams({ params: { a: 1 } }), { params: { a: 1 } });
  t.strictSame(readExports({ exports: ['fetch', 'render', 'other'], others: ['x', 1] }), {
    exports: ['render', 'fetch'],
    others: ['x'],
  });
  t.end();
});

t.test('anything else is refused, and throws nothing', (t) => {
  const value = fc.letrec<{ value: PlainValue }>((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      fc.constantFrom<PlainValue>(
        null,
        true,
        1,
        'text',
        new Date(0),
        new Uint8Array(1),
        new Map([['text', 'x']]),
      ),
      fc.array(tie('value')),
      fc.dictionary(
        fc.constantFrom('value', 'warnings', 'errors', 'text', 'line', 'stack', 'bad', 'params'),
        tie('value'),
      ),
    ),
  })).value;
  fc.assert(
    fc.property(value, (given) => {
      const read = readGiven(given, step);
      if ('bad' in read) return typeof read.bad === 'string';
      const messages = [...read.warnings, ...read.errors];
      readParams(given);
      readExports(given);
      return messages.every(({ code, text }) => code === 'reported' && typeof text === 'string');
    }),
  );
  t.end();
});

t.test('of what else a module exports ten names are kept, and a hundred characters of each', (t) => {
  const others = Array.from({ length: 1_000 }, (_, index) => `${index}${'\x01'.repeat(8_000)}`);
  const kept = readExports({ exports: [], others }).others;
  t.equal(kept.length, 10);
  t.strictSame(kept[9], `9${'\u{fffd}'.repeat(99)}…`);
  t.end();
});

t.test('the lines of a code are counted once for all messages', (t) => {
  const counted = new CountedStep();
  const stack = 'at a.js:999999999:1\n'.repeat(100);
  const warnings = [...Array.from({ length: 99 }, () => ({ text: 'w', stack })), { text: 'w', line: 1 }];
  const given = readGiven({ value: null, warnings, errors: [] }, counted);
  t.match('bad' in given ? undefined : given.warnings[99], { place: { line: 1 } });
  t.equal(counted.read, 1);
  t.end();
});

t.test('there can be a hundred messages of a kind', (t) => {
  const read = readGiven(
    { value: null, warnings: Array.from({ length: 1_000 }, () => ({ text: 'w' })), errors: [] },
    step,
  );
  t.equal('bad' in read ? 0 : read.warnings.length, 100);
  t.end();
});
