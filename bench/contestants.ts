/** Those who start something, and how long it takes them. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Zygote } from '../lib/index.js';
import { checkSum, now, SUM_OF_TABLE, TABLE_BYTES } from './work.js';

/** Does it once. */
export interface Contestant<T = number> {
  /** Waits until what it needs is there; not counted. */
  prepare?(): Promise<void>;
  /** In milliseconds, where it is a number. */
  measure(): Promise<T>;
}

/** Of the same call. */
export interface CallTimes {
  /** From the request to the first line of the code, with apache-arrow usable. */
  readonly firstLineMs: number;
  /** From the request until the answer is there, checked, and the process gone. */
  readonly roundTripMs: number;
}

export const msSince = (start: bigint, end: bigint): number => Number(end - start) / 1e6;

/** Waits for a parked child, if the zygote is to have any. */
export function whenParked(zygote: Zygote, isWanted: boolean): () => Promise<void> {
  return async () => {
    while (isWanted && zygote.parked === 0) await setTimeout(1);
  };
}

/** First line of the user's code with apache-arrow usable. */
const FIRST_LINE = "const { Table } = require('apache-arrow'); const reached = process.hrtime.bigint();";

/** Returns when that was. */
export const FIRST_LINE_CODE = `${FIRST_LINE} module.exports = () => reached;`;

/** @param isParked whether it finds a parked child, and does not wait for a clone */
export function nodespawnerFirstLine(zygote: Zygote, isParked: boolean): Contestant {
  return {
    prepare: whenParked(zygote, isParked),
    async measure() {
      const start = now();
      const child = await zygote.spawn(FIRST_LINE_CODE);
      const result = await child.result;
      if (result.status !== 'ok') throw new Error(`the result is '${result.status}'`);
      return msSince(start, BigInt(result.value as number | bigint));
    },
  };
}

/** Returns the sum of a column of a table. */
export const SUM_CODE = `module.exports = ({ tables }) => sum(tables.input); ${SUM_OF_TABLE}`;

export function nodespawnerRoundTrip(zygote: Zygote, isParked: boolean): Contestant {
  return {
    prepare: whenParked(zygote, isParked),
    async measure() {
      const start = now();
      const { value } = await zygote.run(SUM_CODE, { tables: { input: TABLE_BYTES } });
      const end = now();
      checkSum(value as string);
      return msSince(start, end);
    },
  };
}

/** Of a round trip that says when the code began. */
export const CODE_WITH_FIRST_LINE = `const reached = process.hrtime.bigint(); ${SUM_OF_TABLE}
  module.exports = ({ tables }) => [reached, sum(tables.input)];`;

/** A round trip of which the code says when it began. */
export function nodespawnerCall(zygote: Zygote, isParked: boolean): Contestant<CallTimes> {
  return {
    prepare: whenParked(zygote, isParked),
    async measure() {
      const start = now();
      const { value } = await zygote.run(CODE_WITH_FIRST_LINE, { tables: { input: TABLE_BYTES } });
      const end = now();
      const [reached, found] = value as [number | bigint, string];
      checkSum(found);
      return { firstLineMs: msSince(start, BigInt(reached)), roundTripMs: msSince(start, end) };
    },
  };
}

/** The same, with what it printed; for trace.ts. */
export async function tracedCall(zygote: Zygote): Promise<{ firstLine: bigint; stderr: string }> {
  const inputs = { tables: { input: TABLE_BYTES } };
  const { value, stderr } = await zygote.run(CODE_WITH_FIRST_LINE, inputs, { stderr: 'capture' });
  const [reached, found] = value as [number | bigint, string];
  checkSum(found);
  return { firstLine: BigInt(reached), stderr: stderr?.text ?? '' };
}

// From here, apache-arrow is found.
const cwd = fileURLToPath(new URL('.', import.meta.url));

async function runNode(code: string, input: Uint8Array | undefined): Promise<string> {
  const child = spawn(process.execPath, ['-e', code], { cwd, stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.end(input);
  const [output] = await Promise.all([text(child.stdout), once(child, 'close')]);
  if (child.exitCode !== 0) throw new Error(`node ended with exit code ${String(child.exitCode)}`);
  return output;
}

function nodeReaching(line: string): Contestant {
  return {
    async measure() {
      const start = now();
      const reached = await runNode(`${line} process.stdout.write(String(reached));`, undefined);
      return msSince(start, BigInt(reached));
    },
  };
}

export const plainNodeFirstLine = nodeReaching(FIRST_LINE);
/** A node that has loaded nothing. */
export const bareNodeFirstLine = nodeReaching('const reached = process.hrtime.bigint();');

export const plainNodeRoundTrip: Contestant = {
  async measure() {
    const code = `const { tableFromIPC } = require('apache-arrow');
      process.stdout.write(sum(tableFromIPC(require('fs').readFileSync(0)))); ${SUM_OF_TABLE}`;
    const start = now();
    const sum = await runNode(code, TABLE_BYTES);
    const end = now();
    checkSum(sum);
    return msSince(start, end);
  },
};
