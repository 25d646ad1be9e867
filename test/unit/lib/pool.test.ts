import { mock } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import t, { type Test } from 'tap';
import type { ReplyListener } from '../../../lib/control.js';
import { native, REPLY_CLONED, type Reply } from '../../../lib/native.js';
import { Pool } from '../../../lib/pool.js';

/** Children that are parked as soon as they are asked for. */
class Children {
  cloned = 0;

  clone(jobFd: number, listener: ReplyListener): number {
    native.close(jobFd);
    const token = ++this.cloned;
    queueMicrotask(() => {
      listener.onReply({ kind: REPLY_CLONED, token, pid: 1000 + token } as Reply);
    });
    return token;
  }
  listen = (): void => undefined;
  forget = (): void => undefined;
}

const listener: ReplyListener = { onReply: () => undefined, onGone: () => undefined };

/** The pool asks for a child after whatever the host does in this turn of its loop. */
const settled = (): Promise<void> => setImmediate();

/** A pool of one, with its child parked. */
async function filled(t: Test, cores: number) {
  const children = new Children();
  const pool = new Pool(children, { min: 1, max: 1 }, cores);
  mock.timers.enable({ apis: ['setTimeout'] });
  t.teardown(() => {
    pool.close();
    mock.timers.reset();
  });
  pool.open();
  await settled();
  return { children, pool };
}

t.test(
  'a child that was taken has its core to itself until it ends, and the pool is refilled then',
  async (t) => {
    const { children, pool } = await filled(t, 2);
    native.close(pool.take(listener).jobFd);
    await settled();
    t.equal(children.cloned, 1, 'none yet');
    pool.childEnded();
    await settled();
    t.equal(children.cloned, 2);
    t.equal(pool.parked, 1);
  },
);

t.test('a child that goes on keeps the pool empty for 25 ms, however many are taken meanwhile', async (t) => {
  const { children, pool } = await filled(t, 2);
  native.close(pool.take(listener).jobFd);
  await settled();
  mock.timers.tick(20);
  native.close(pool.take(listener).jobFd);
  await settled();
  t.equal(children.cloned, 2, 'the one that was parked, and one on demand');
  mock.timers.tick(5);
  await settled();
  t.equal(children.cloned, 3);
  t.equal(pool.parked, 1);
});

t.test('children that are parked are replaced one by one, and there is always one to take', async (t) => {
  const { children, pool } = await filled(t, 4);
  const first = pool.take(listener);
  native.close(first.jobFd);
  await settled();
  pool.renew();
  t.equal(pool.parked, 1, 'it stays until another has come');
  await settled();
  t.equal(children.cloned, 3);
  t.equal(pool.parked, 1);
  const taken = pool.take(listener);
  native.close(taken.jobFd);
  t.equal(taken.token, 3);
});

t.test('where there are cores to spare, the pool is refilled at once', async (t) => {
  const { children, pool } = await filled(t, 4);
  native.close(pool.take(listener).jobFd);
  await settled();
  t.equal(children.cloned, 2);
  t.equal(pool.parked, 1);
});
