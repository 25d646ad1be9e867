// Large tables of a result are checked beside the main thread.
import { writeSync } from 'node:fs';
import type { Worker } from 'node:worker_threads';
import { Table, tableToIPC, TimeSecond, makeData, Vector } from 'apache-arrow';
import t, { type Test } from 'tap';
import { HostError } from '../../../lib/errors.js';
import { faultFinder } from '../../../lib/fault-finder.js';
import { BadTableError, createOutput, LARGE_BYTES, readOutput } from '../../../lib/output-tables.js';
import type { SharedMemory } from '../../../lib/shared-memory.js';
import { eventually } from '../../helpers/eventually.js';
import { rejection } from '../../helpers/zygote.js';

const ROWS = 2 ** 24;
const SIZE = 2 ** 27;
// Of times, each value is looked at.
const times = makeData({ type: new TimeSecond(), length: ROWS, data: new Int32Array(ROWS).fill(86_399) });
const large = tableToIPC(new Table({ time: new Vector([times]) }), 'stream');
const small = large.subarray(0, LARGE_BYTES / 2);
const range = (bytes: Uint8Array) => ({ name: 't', offset: 0, length: bytes.byteLength });

function written(t: Test, bytes: Uint8Array): SharedMemory {
  const output = createOutput(SIZE);
  t.teardown(() => {
    output.release();
  });
  writeSync(output.fd, bytes, 0, bytes.byteLength, 0);
  return output;
}

/** The threads that are started from now on. */
function threads(t: Test): Worker[] {
  const started: Worker[] = [];
  const onWorker = (worker: Worker): void => void started.push(worker);
  process.on('worker', onWorker);
  t.teardown(() => process.off('worker', onWorker));
  return started;
}

const all = threads(t);

t.test('small ones need no thread', async (t) => {
  const started = threads(t);
  t.match(await rejection(readOutput(written(t, small), SIZE, [range(small)])), { path: 'tables.t' });
  t.equal(started.length, 0);
});

t.test(
  'a thread that is lost takes its tables along, as errors of the host, and is followed by another',
  async (t) => {
    const started = threads(t);
    // Told so before it has done anything: to end it in time would be a race.
    const loseNext = (event: 'error' | 'exit', what: unknown): void =>
      void process.once('worker', (worker) => {
        worker.emit(event, what);
        void worker.terminate();
      });
    const read = (): Promise<unknown> => rejection(readOutput(written(t, large), SIZE, [range(large)]));
    loseNext('error', new Error('out of memory'));
    t.match(await read(), { constructor: HostError, code: 'ERR_HOST_FAILED', message: /out of memory/ });
    loseNext('exit', 9);
    t.match(await read(), { constructor: HostError, code: 'ERR_HOST_FAILED', message: /ended with code 9/ });
    t.equal((await readOutput(written(t, large), SIZE, [range(large)])).t?.numRows, ROWS);
    t.equal(started.length, 3);
  },
);

t.test('the event loop goes on while a large table is checked', async (t) => {
  // The thread is there and has its code.
  await readOutput(written(t, large), SIZE, [range(large)]);
  let turns = 0;
  const state = { isRead: false };
  const reading = readOutput(written(t, large), SIZE, [range(large)]).finally(() => (state.isRead = true));
  while (!state.isRead) {
    await new Promise(setImmediate);
    turns++;
  }
  t.equal((await reading).t?.numRows, ROWS);
  t.ok(turns > 20, `${turns} turns`);
});

t.test('what is wrong is found as well, and several at once', async (t) => {
  const wrong = large.slice();
  wrong.fill(0xff, wrong.length - 16, wrong.length - 8);
  const readings = [
    rejection(readOutput(written(t, wrong), SIZE, [range(wrong)])),
    rejection(readOutput(written(t, large.subarray(0, -8192)), SIZE, [range(large)])),
    readOutput(written(t, large), SIZE, [range(large)]),
  ] as const;
  const [value, hole, fine] = await Promise.all(readings);
  t.match(value, { constructor: BadTableError, path: 'tables.t', message: /time/ });
  t.match(hole, { constructor: BadTableError, path: 'tables', message: /a hole at byte/ });
  t.equal(fine.t?.numRows, ROWS);
});

t.test('what is wrong is found as well, and several at once', async (t) => {
  const wrong = large.slice();
  wrong.fill(0xff, wrong.length - 16, wrong.length - 8);
  const [value, hole, fine] = await Promise.all([
    rejection(readOutput(written(t, wrong), SIZE, [range(wrong)])),
    rejection(readOutput(written(t, large.subarray(0, -8192)), SIZE, [range(large)])),
    readOutput(written(t, large), SIZE, [range(large)]),
  ]);
  t.match(value, { constructor: BadTableError, path: 'tables.t', message: /time/ });
  t.match(hole, { constructor: BadTableError, path: 'tables', message: /a hole at byte/ });
  t.equal(fine.t?.numRows, ROWS);
  t.equal(all.length, 3, 'the same thread for all');
});

t.test('a table of some MB does not wait until large ones are checked', async (t) => {
  const middling = tableToIPC(new Table({ time: new Vector([times]).slice(0, 2 ** 18) }), 'stream');
  const find = (bytes: Uint8Array): (() => Promise<unknown>) => {
    const { fd } = written(t, bytes);
    return () => faultFinder.find(fd, bytes.byteLength, [range(bytes)]);
  };
  const [findLarge, findMiddling] = [find(large), find(middling)];
  await Promise.all([findLarge(), findMiddling()]);
  const order: string[] = [];
  const all = Array.from({ length: 10 }, () => findLarge().then(() => order.push('large')));
  await Promise.all([...all, findMiddling().then(() => order.push('middling'))]);
  t.equal(order.length, 11);
  t.not(order.at(-1), 'middling');
});

t.test('a thread that has nothing to do ends', async (t) => {
  const isThere = ({ threadId }: Worker): boolean => threadId > 0;
  t.ok(all.some(isThere));
  await eventually('they have ended', () => !all.some(isThere));
});
