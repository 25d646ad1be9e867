/** Worker threads that are made for one call: by hand, and by two pools. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { now, TABLE_BYTES } from '../work.js';
import { fileHere, requirePeer, timesOf, type Answer, type PeerKind } from './peer.js';

const ISOLATION = 'none; a heap of its own';

export const workerThread: PeerKind = {
  name: 'a fresh worker thread',
  isolation: ISOLATION,
  start: () =>
    Promise.resolve({
      async measure() {
        const start = now();
        const worker = new Worker(fileHere('./worker-step.cjs'), { workerData: TABLE_BYTES });
        const [[answer]] = (await Promise.all([once(worker, 'message'), once(worker, 'exit')])) as [
          [Answer],
          unknown,
        ];
        return timesOf(answer, start, now());
      },
    }),
};

/** What is used of piscina and tinypool. */
interface Pool {
  run(task: Uint8Array): Promise<Answer>;
  destroy(): Promise<void>;
}
type PoolClass = new (options: object) => Pool;

export const piscina: PeerKind = {
  name: 'piscina, a pool for each call',
  isolation: ISOLATION,
  start() {
    const { Piscina } = requirePeer('piscina') as { Piscina: PoolClass };
    return Promise.resolve({
      // It has no way to give up a worker after a task but to give up the pool.
      async measure() {
        const start = now();
        const pool = new Piscina({ filename: fileHere('./pool-step.cjs'), minThreads: 1, maxThreads: 1 });
        const answer = await pool.run(TABLE_BYTES);
        await pool.destroy();
        return timesOf(answer, start, now());
      },
    });
  },
};

export const tinypool: PeerKind = {
  name: 'tinypool, isolateWorkers',
  isolation: ISOLATION,
  async start() {
    const path = requirePeer.resolve('tinypool');
    const { Tinypool } = (await import(path)) as { Tinypool: PoolClass };
    return {
      // A worker that waits has been started by the task before: a fresh pool gives what a call costs in all.
      async measure() {
        const start = now();
        const pool = new Tinypool({
          filename: fileHere('./pool-step.cjs'),
          minThreads: 0,
          maxThreads: 1,
          isolateWorkers: true,
        });
        const answer = await pool.run(TABLE_BYTES);
        await pool.destroy();
        return timesOf(answer, start, now());
      },
    };
  },
};
