/** child_process of Node itself. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { now, TABLE_BYTES } from '../work.js';
import { processPeer, REQUIRE_ARROW, stepSource } from './node-process.js';
import { fileHere, timesOf, type Answer, type PeerKind } from './peer.js';

export const childProcessSpawn: PeerKind = {
  name: "child_process.spawn('node')",
  isolation: 'none',
  start: () =>
    Promise.resolve(
      processPeer(process.execPath, ['-e', `${REQUIRE_ARROW} ${stepSource('arrow.tableFromIPC')}`]),
    ),
};

export const childProcessFork: PeerKind = {
  name: 'child_process.fork()',
  isolation: 'none',
  start: () =>
    Promise.resolve({
      async measure() {
        const start = now();
        const child = fork(fileHere('./fork-step.cjs'), { serialization: 'advanced', execArgv: [] });
        child.send(TABLE_BYTES);
        const [[answer]] = (await Promise.all([once(child, 'message'), once(child, 'exit')])) as [
          [Answer],
          unknown,
        ];
        return timesOf(answer, start, now());
      },
    }),
};
