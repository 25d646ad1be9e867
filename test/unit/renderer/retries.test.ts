// What is nobody's fault is tried again, by the time that has passed and not by how often it has failed.
import t from 'tap';
import { StoreError } from '../../../renderer/index.js';
import { mayBeTriedAgain, pauseAfter, retried } from '../../../renderer/workers/retries.js';

const failure = (code: StoreError['code']): StoreError => new StoreError(code, 'memory:', 'tables/a.arrow');

t.test('pauses grow up to ten seconds, and are not the same for all', (t) => {
  for (const [tries, most] of [
    [1, 500],
    [2, 1_000],
    [4, 4_000],
    [6, 10_000],
    [5_000, 10_000],
  ] as const) {
    const pauses = Array.from({ length: 100 }, () => pauseAfter(tries));
    t.ok(Math.min(...pauses) >= most / 2 && Math.max(...pauses) <= most, `after ${tries}`);
    t.ok(new Set(pauses).size > 10);
  }
  t.end();
});

t.test('what may become better is tried for its time, and what the store is sure of for less', (t) => {
  const ago = (ms: number): number => Date.now() - ms;
  for (const error of [failure('ERR_STORE_UNAVAILABLE'), new Error('no zygote')]) {
    t.ok(mayBeTriedAgain(error, ago(100_000), 120_000));
    t.notOk(mayBeTriedAgain(error, ago(120_000), 120_000));
  }
  for (const code of ['ERR_STORE_NOT_FOUND', 'ERR_STORE_CORRUPT', 'ERR_STORE_DENIED'] as const) {
    t.ok(mayBeTriedAgain(failure(code), ago(1_000), 120_000));
    t.notOk(mayBeTriedAgain(failure(code), ago(10_000), 120_000));
    t.notOk(mayBeTriedAgain(failure(code), ago(1_000), 500));
  }
  t.end();
});

t.test('a read is tried again until it goes well, unless it never will, or nobody wants it', async (t) => {
  const { signal } = new AbortController();
  let failures = 2;
  const read = (): Promise<string> =>
    failures-- > 0 ? Promise.reject(failure('ERR_STORE_UNAVAILABLE')) : Promise.resolve('read');
  t.equal(await retried(read, signal), 'read');
  t.equal(failures, -1);
  for (const error of [failure('ERR_STORE_DENIED'), new Error('another')]) {
    let tries = 0;
    const work = (): Promise<never> => {
      tries++;
      return Promise.reject(error);
    };
    await t.rejects(retried(work, signal), error);
    t.equal(tries, 1);
  }
  const abort = new AbortController();
  const never = retried(() => {
    abort.abort(new Error('not wanted'));
    return Promise.reject(failure('ERR_STORE_UNAVAILABLE'));
  }, abort.signal);
  await t.rejects(never, { code: 'ERR_STORE_UNAVAILABLE' });
});
