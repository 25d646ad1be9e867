/** Those who start something, and how long it takes them. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { tableFromArrays, tableToIPC } from 'apache-arrow';
import type { Zygote } from '../lib/index.js';

/** Does it once. */
export interface Contestant {
  /** In milliseconds. */
  measure(): Promise<number>;
}

export const ROWS = 1000;
const values = Float64Array.from({ length: ROWS }, (_, i) => i * 1.5);
const SUM = String(values.reduce((sum, value) => sum + value, 0));
const bytes = tableToIPC(tableFromArrays({ id: Int32Array.from(values.keys()), value: values }), 'file');

/** CLOCK_MONOTONIC in nanoseconds, which host and children share. */
const now = (): bigint => process.hrtime.bigint();
const msSince = (start: bigint, end: bigint): number => Number(end - start) / 1e6;

function check(found: string): void {
  if (found !== SUM) throw new Error(`The sum should be ${SUM}, but is '${found}'`);
}

const SUM_OF_TABLE = `
function sum(table) {
  let sum = 0;
  for (const value of table.getChild('value').toArray()) sum += value;
  return String(sum);
}`;

/** First line of the user's code with apache-arrow usable. */
const FIRST_LINE = "const { Table } = require('apache-arrow'); const reached = process.hrtime.bigint();";

export function nodespawnerFirstLine(zygote: Zygote): Contestant {
  return {
    async measure() {
      const start = now();
      const { value } = await zygote.run(`${FIRST_LINE} module.exports = () => reached;`);
      return msSince(start, BigInt(value as number | bigint));
    },
  };
}

export function nodespawnerRoundTrip(zygote: Zygote): Contestant {
  const code = `module.exports = ({ tables }) => sum(tables.input); ${SUM_OF_TABLE}`;
  return {
    async measure() {
      const start = now();
      const { value } = await zygote.run(code, { tables: { input: bytes } });
      const end = now();
      check(value as string);
      return msSince(start, end);
    },
  };
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

export const plainNodeFirstLine: Contestant = {
  async measure() {
    const start = now();
    return msSince(
      start,
      BigInt(await runNode(`${FIRST_LINE} process.stdout.write(String(reached));`, undefined)),
    );
  },
};

export const plainNodeRoundTrip: Contestant = {
  async measure() {
    const code = `const { tableFromIPC } = require('apache-arrow');
      process.stdout.write(sum(tableFromIPC(require('fs').readFileSync(0)))); ${SUM_OF_TABLE}`;
    const start = now();
    const sum = await runNode(code, bytes);
    const end = now();
    check(sum);
    return msSince(start, end);
  },
};

/** A round trip of which the code says when it began; for trace.ts. */
export async function tracedCall(zygote: Zygote): Promise<{ firstLine: bigint; stderr: string }> {
  const code = `const reached = process.hrtime.bigint(); ${SUM_OF_TABLE}
    module.exports = ({ tables }) => [reached, sum(tables.input)];`;
  const { value, stderr } = await zygote.run(code, { tables: { input: bytes } }, { stderr: 'capture' });
  const [reached, found] = value as [number | bigint, string];
  check(found);
  return { firstLine: BigInt(reached), stderr: stderr?.text ?? '' };
}
