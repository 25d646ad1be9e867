import { mock } from 'node:test';
import t from 'tap';
import { AtMostEvery } from '../../../lib/at-most-every.js';

t.beforeEach(() => {
  mock.timers.enable({ apis: ['setTimeout'] });
});
t.afterEach(() => {
  mock.timers.reset();
});

function counted(): { readonly rate: AtMostEvery; readonly count: () => number } {
  let count = 0;
  return { rate: new AtMostEvery(100, () => count++), count: () => count };
}

t.test('the first time it is done at once, the next times together when the pause is over', (t) => {
  const { rate, count } = counted();
  for (let i = 0; i < 5; i++) rate.ask();
  t.equal(count(), 1);
  mock.timers.tick(99);
  t.equal(count(), 1);
  mock.timers.tick(1);
  t.equal(count(), 2);
  t.end();
});

t.test('what was done late has a pause after it, too', (t) => {
  const { rate, count } = counted();
  rate.ask();
  rate.ask();
  mock.timers.tick(100);
  rate.ask();
  t.equal(count(), 2);
  mock.timers.tick(100);
  t.equal(count(), 3);
  t.end();
});

t.test('nothing is done that was not asked for; after a pause, it is done at once again', (t) => {
  const { rate, count } = counted();
  rate.ask();
  mock.timers.tick(1_000);
  t.equal(count(), 1);
  rate.ask();
  t.equal(count(), 2);
  t.end();
});

t.test('after the end nothing is done', (t) => {
  const { rate, count } = counted();
  rate.ask();
  rate.ask();
  rate.end();
  mock.timers.tick(1_000);
  t.equal(count(), 1);
  t.end();
});
