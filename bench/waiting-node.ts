/**
 * A node that has done the same before and waits for the next call: no sandbox, nothing fresh, no clone, its code
 * optimized long ago. What a call into another process takes at least: nothing that gives each call a process of its own
 * can be faster.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { type CallTimes, type Contestant, CODE_WITH_FIRST_LINE, FIRST_LINE, msSince } from './contestants.js';
import { checkSum, now, SUM_OF_TABLE, TABLE_BYTES } from './work.js';

export class WaitingNode implements AsyncDisposable {
  readonly #socket: Socket;
  readonly #closed: Promise<unknown>;
  #count = 0;

  constructor() {
    const child = spawn(
      process.execPath,
      [fileURLToPath(new URL('./waiting-node-child.cjs', import.meta.url))],
      {
        stdio: ['ignore', 'inherit', 'inherit', 'pipe'],
      },
    );
    this.#socket = child.stdio[3] as Socket;
    this.#closed = once(child, 'close');
  }

  /** @returns what the code's function has returned, as text */
  async run(code: string, table?: Uint8Array): Promise<string> {
    // V8 remembers what it has compiled, and a child of ours has not seen its code before.
    const text = Buffer.from(`${code} // ${++this.#count}`, 'latin1');
    const header = Buffer.alloc(8);
    const parts = table === undefined ? [header, text] : [header, text, table];
    const message = Buffer.concat(parts);
    message.writeUInt32LE(message.length, 0);
    message.writeUInt32LE(text.length, 4);
    this.#socket.write(message);
    const [answer] = (await once(this.#socket, 'data')) as [Buffer];
    return answer.toString('latin1');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.end();
    await this.#closed;
  }
}

export function waitingNodeFirstLine(node: WaitingNode): Contestant {
  return {
    async measure() {
      const start = now();
      const reached = await node.run(`${FIRST_LINE} module.exports = () => reached;`);
      return msSince(start, BigInt(reached));
    },
  };
}

export function waitingNodeRoundTrip(node: WaitingNode): Contestant {
  const code = `module.exports = ({ tables }) => sum(tables.input); ${SUM_OF_TABLE}`;
  return {
    async measure() {
      const start = now();
      const sum = await node.run(code, TABLE_BYTES);
      const end = now();
      checkSum(sum);
      return msSince(start, end);
    },
  };
}

/** A round trip of which the code says when it began. */
export function waitingNodeCall(node: WaitingNode): Contestant<CallTimes> {
  return {
    async measure() {
      const start = now();
      const answer = await node.run(CODE_WITH_FIRST_LINE, TABLE_BYTES);
      const end = now();
      const [reached = '', sum = ''] = answer.split(',');
      checkSum(sum);
      return { firstLineMs: msSince(start, BigInt(reached)), roundTripMs: msSince(start, end) };
    },
  };
}
