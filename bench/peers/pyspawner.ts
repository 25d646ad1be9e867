/** pyspawner: the same idea for Python, with pandas. It measures itself, for its host is a program in Python. */
import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { TABLE_BYTES, VALUES } from '../work.js';
import { pythonWithPyspawner } from './install.js';
import { BUILD, PEERS, timesOf, type PeerKind } from './peer.js';

export const pyspawner: PeerKind = {
  name: 'pyspawner, Python with pandas',
  isolation: 'namespaces, filter of system calls, ids of its own',
  isQuick: true,
  async start() {
    const python = pythonWithPyspawner();
    mkdirSync(BUILD, { recursive: true });
    const table = `${BUILD}table.arrow`;
    writeFileSync(table, TABLE_BYTES);
    const column = `${BUILD}column`;
    writeFileSync(column, VALUES);
    const host = spawn(python, [`${PEERS}pyspawner_step.py`, table, column], {
      env: {
        ...process.env,
        PYTHONPATH: [PEERS, process.env.PYTHONPATH ?? ''].filter((path) => path !== '').join(':'),
      },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    let failure: Error | undefined;
    const fail = (error: Error): void => {
      failure ??= error;
    };
    host.on('error', fail);
    host.stdin.on('error', fail);
    const lines = createInterface({ input: host.stdout })[Symbol.asyncIterator]();
    const peer = {
      async measure() {
        host.stdin.write('\n');
        const line = await lines.next();
        if (line.done === true) throw failure ?? new Error('pyspawner has ended');
        const [start = '', end = '', reached = '', sum = ''] = JSON.parse(line.value) as string[];
        return timesOf([reached, sum], BigInt(start), BigInt(end));
      },
      async close() {
        host.stdin.end();
        await lines.return?.();
      },
    };
    // The first one waits until everything is imported.
    await peer.measure();
    return peer;
  },
};
