import t from 'tap';
import { inTurns, nextTurn } from '../../../lib/turns.js';
import type { Steps } from '../../../protocol/steps.js';

/** Longer than a turn is. */
const LONG_MS = 10;

function* work(name: string, log: string[]): Steps<string> {
  for (let step = 1; step <= 3; step++) {
    const since = performance.now();
    while (performance.now() - since < LONG_MS);
    log.push(`${name}${step}`);
    yield;
  }
  return name;
}

t.test('others have a turn between two long steps', async (t) => {
  const log: string[] = [];
  const tick = (): void => {
    log.push('other');
    if (log.length < 20) setImmediate(tick);
  };
  setImmediate(tick);
  t.equal(await inTurns(work('a', log)), 'a');
  t.strictSame(
    log.slice(0, 6).filter((entry, index) => entry !== 'other' || log[index - 1] !== 'other'),
    ['a1', 'other', 'a2', 'other', 'a3', 'other'].slice(0, log.slice(0, 6).length),
  );
});

t.test('of many that work at once, one has a turn in each turn of the event loop', async (t) => {
  const log: string[] = [];
  let goesOn = true;
  const tick = (): void => {
    log.push('turn');
    if (goesOn) setImmediate(tick);
  };
  setImmediate(tick);
  await Promise.all(['a', 'b', 'c'].map((name) => nextTurn().then(() => log.push(name))));
  goesOn = false;
  t.strictSame(log, ['turn', 'a', 'turn', 'b', 'turn', 'c']);
});

t.test('what fails, fails', async (t) => {
  // eslint-disable-next-line require-yield
  function* failing(): Steps<never> {
    throw new Error('no');
  }
  await t.rejects(inTurns(failing()), { message: 'no' });
});
