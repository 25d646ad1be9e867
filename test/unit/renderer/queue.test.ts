// Whose turn it is.
import t from 'tap';
import { STEPS_PER_LEVEL } from '../../../renderer/priority.js';
import { FairQueue, Lane } from '../../../renderer/queue.js';

const never = new AbortController().signal;

/** Tasks that end when they are told to, and the order in which they began. */
function tasks(queue: FairQueue) {
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  const add = (name: string, lane: Lane, signal = never): Promise<void> =>
    queue.run(lane, signal, () => {
      begun.push(name);
      return new Promise((resolve) => ends.set(name, resolve));
    });
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const end = async (name: string): Promise<void> => {
    ends.get(name)?.();
    await turn();
  };
  return { begun, add, end, turn };
}

t.test('lanes take turns, however much waits in one', async (t) => {
  const queue = new FairQueue(1);
  const { begun, add, end, turn } = tasks(queue);
  const [a, b] = [new Lane(), new Lane()];
  for (const name of ['a1', 'a2', 'a3']) void add(name, a);
  for (const name of ['b1', 'b2']) void add(name, b);
  await turn();
  t.strictSame([queue.running, queue.queued], [1, 4]);
  for (const name of ['a1', 'a2', 'b1', 'a3', 'b2']) await end(name);
  t.strictSame(begun, ['a1', 'a2', 'b1', 'a3', 'b2']);
  t.strictSame([queue.running, queue.queued], [0, 0]);
});

t.test('so many run at once, and no more', async (t) => {
  const queue = new FairQueue(2);
  const { begun, add, end, turn } = tasks(queue);
  for (const name of ['a', 'b', 'c']) void add(name, new Lane());
  await turn();
  t.strictSame(begun, ['a', 'b']);
  await end('b');
  t.strictSame(begun, ['a', 'b', 'c']);
});

t.test('what is aborted while it waits never begins, and holds nobody up', async (t) => {
  const queue = new FairQueue(1);
  const { begun, add, end, turn } = tasks(queue);
  const lane = new Lane();
  const controller = new AbortController();
  void add('first', lane);
  const waiting = add('second', lane, controller.signal);
  void add('third', lane);
  await turn();
  controller.abort(new Error('enough'));
  await t.rejects(waiting, { message: 'enough' });
  t.equal(queue.queued, 1);
  await end('first');
  t.strictSame(begun, ['first', 'third']);
  await t.rejects(add('late', lane, controller.signal), { message: 'enough' });
});

t.test('a task that fails gives its place back', async (t) => {
  const queue = new FairQueue(1);
  await t.rejects(
    queue.run(new Lane(), never, () => Promise.reject(new Error('no'))),
    { message: 'no' },
  );
  t.equal(await queue.run(new Lane(), never, () => Promise.resolve(1)), 1);
  t.equal(queue.running, 0);
});

t.test('the most urgent lanes go first, and of those that are as urgent each in its turn', async (t) => {
  const queue = new FairQueue(1);
  const { begun, add, end, turn } = tasks(queue);
  const [late, later, first, second] = [new Lane(5), new Lane(6), new Lane(1), new Lane(1)];
  void add('held', new Lane());
  void add('later', later);
  for (const name of ['late1', 'late2']) void add(name, late);
  for (const name of ['first1', 'first2']) void add(name, first);
  void add('second', second);
  await turn();
  for (let done = 0; done < 7; done++) await end(begun.at(-1) ?? '');
  t.strictSame(begun, ['held', 'first1', 'second', 'first2', 'late1', 'late2', 'later']);
});

t.test('the least urgent waits for a thousand that came later for each level, and no more', async (t) => {
  const queue = new FairQueue(1);
  const { begun, add, end, turn } = tasks(queue);
  const urgent = new Lane(0);
  void add('held', urgent);
  void add('patient', new Lane(2));
  await turn();
  for (let n = 0; begun.at(-1) !== 'patient' && n < 5_000; n++) {
    void add(`urgent-${n}`, urgent);
    await end(begun.at(-1) ?? '');
  }
  // The one that was held had begun before.
  t.equal(begun.length, 2 * STEPS_PER_LEVEL + 2);
});
