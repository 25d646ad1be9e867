/**
 * A yardstick: another node that has done the same over and over and waits for the next call. It has no sandbox, is no
 * fresh process, and nothing is cloned or ends; all of its code but the step itself, which is compiled anew for each call,
 * has been optimized. So much a message to another process and its answer take, after the same pause.
 */
import { spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import {
  type CallTimes,
  CODE_WITH_FIRST_LINE,
  type Contestant,
  FIRST_LINE_CODE,
  msSince,
  SUM_CODE,
} from './contestants.js';
import { checkSum, now, TABLE_BYTES } from './work.js';

const LENGTH_BYTES = 4;
/** Calls of each kind until V8 has optimized all that it does. */
const WARM_UP = 500;

interface Waiting {
  readonly resolve: (answer: string) => void;
  readonly reject: (error: Error) => void;
}

export class WaitingNode implements AsyncDisposable {
  readonly #socket: Socket;
  readonly #closed: Promise<void>;
  #received: Buffer = Buffer.alloc(0);
  #waiting: Waiting | undefined;
  #ended: Error | undefined;
  #count = 0;

  private constructor() {
    const child = spawn(
      process.execPath,
      [fileURLToPath(new URL('./waiting-node-child.cjs', import.meta.url))],
      {
        stdio: ['ignore', 'inherit', 'inherit', 'pipe'],
      },
    );
    this.#socket = child.stdio[3] as Socket;
    this.#socket.on('data', (bytes) => {
      this.#receive(bytes);
    });
    // What it failed with is on stderr.
    this.#socket.on('error', () => undefined);
    this.#closed = new Promise((resolve) => {
      const end = (how: string): void => {
        this.#ended = new Error(`the node that waits has ended: ${how}`);
        this.#waiting?.reject(this.#ended);
        resolve();
      };
      child.once('error', (error) => {
        end(error.message);
      });
      child.once('close', (code, signal) => {
        end(`exit code ${String(code)}, signal ${String(signal)}`);
      });
    });
  }

  static async start(): Promise<WaitingNode> {
    const node = new WaitingNode();
    for (let i = 0; i < WARM_UP; i++) {
      await node.run(FIRST_LINE_CODE);
      await node.run(SUM_CODE, TABLE_BYTES);
    }
    return node;
  }

  /** One at a time. @returns what the code's function has returned, as text */
  run(code: string, table: Uint8Array = Buffer.alloc(0)): Promise<string> {
    // V8 remembers what it has compiled, and a child of ours has not seen its code before.
    const text = Buffer.from(`${code} // ${++this.#count}`, 'latin1');
    const message = Buffer.concat([Buffer.alloc(2 * LENGTH_BYTES), text, table]);
    message.writeUInt32LE(text.length, 0);
    message.writeUInt32LE(table.byteLength, LENGTH_BYTES);
    return new Promise((resolve, reject) => {
      if (this.#ended !== undefined) {
        reject(this.#ended);
        return;
      }
      this.#waiting = { resolve, reject };
      this.#socket.write(message);
    });
  }

  #receive(bytes: Buffer): void {
    this.#received = this.#received.length === 0 ? bytes : Buffer.concat([this.#received, bytes]);
    if (this.#received.length < LENGTH_BYTES || this.#received.length < this.#received.readUInt32LE(0))
      return;
    const answer = this.#received.toString('latin1', LENGTH_BYTES);
    this.#received = Buffer.alloc(0);
    this.#waiting?.resolve(answer);
    this.#waiting = undefined;
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
      const reached = await node.run(FIRST_LINE_CODE);
      return msSince(start, BigInt(reached));
    },
  };
}

export function waitingNodeRoundTrip(node: WaitingNode): Contestant {
  return {
    async measure() {
      const start = now();
      const sum = await node.run(SUM_CODE, TABLE_BYTES);
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
