// What users are told.
import t from 'tap';
import type { LimitName, Usage } from '../../../lib/index.js';
import { failureMessage, type FailedResult } from '../../../renderer/messages.js';
import { cleanText, placeAt, placeIn } from '../../../renderer/place.js';

const usage: Usage = { wallMs: 0, userMs: 0, systemMs: 0, peakMemoryBytes: 0 };
const step = { id: 'a', code: 'one\ntwo\nthree', filename: 'my (step).js' };

t.test('each limit has words of its own', (t) => {
  const limits: LimitName[] = [
    'outputBytes',
    'maxResultBytes',
    'maxTableBytes',
    'maxResultDepth',
    'maxResultElements',
    'tasks',
    'openFiles',
    'fileBytes',
    'tmpBytes',
    'cpuMs',
  ];
  const texts = limits.map((limit) => {
    const result: FailedResult = { status: 'limitExceeded', limit, max: 2048, usage };
    return failureMessage(result, 'render', step, 1).text;
  });
  t.equal(new Set(texts).size, limits.length);
  t.equal(texts[1], 'render() gave more than 2 KiB besides its table and was stopped.');
  t.equal(texts[9], 'render() took more than 2 s of processor time and was stopped.');
  t.end();
});

t.test('the place is the first one in the code of the step', (t) => {
  const place = { file: 'my (step).js', line: 2, column: 7 };
  for (const stack of [
    'Error: x\n    at f (my (step).js:2:7)\n    at my (step).js:1:1',
    'Error: x\n    at /lib/other.js:9:9\n    at async my (step).js:2:7',
    'my (step).js:2:7\ntwo\n   ^\nSyntaxError: x',
  ]) {
    t.strictSame(placeIn(stack, step), place, stack);
  }
  t.strictSame(placeIn('my (step).js:3\nSyntaxError', step), { ...place, line: 3, column: 0 });
  t.end();
});

t.test('a place that is not in the code is none', (t) => {
  for (const stack of [
    '',
    'at other.js:1:1',
    'at f (my (step).js:4:1)',
    'at f (my (step).js:0:1)',
    'at not-my (step).js:1:1',
    'at f (my (step).js:x)',
    'at f (my (step).js:99999999999999999999:1)',
  ]) {
    t.equal(placeIn(stack, step), undefined, stack);
  }
  for (const line of [0, -1, 1.5, NaN, '1', undefined, 4]) t.equal(placeAt(line, 1, step), undefined);
  t.end();
});

t.test('text is bounded, and obeyed by no terminal', (t) => {
  t.equal(cleanText('a\x1b[31m\tb\nc\x00\u009b'), 'a\u{fffd}[31m\tb\nc\u{fffd}\u{fffd}');
  t.equal(cleanText('\ud800'), '\u{fffd}');
  t.equal(cleanText('x'.repeat(1_000_000)).length, 8_193);
  t.end();
});
