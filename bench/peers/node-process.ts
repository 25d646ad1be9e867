/** A node of its own for each call: input by stdin, answer by stdout. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import type { CallTimes } from '../contestants.js';
import { now, SUM_OF_TABLE, TABLE_BYTES } from '../work.js';
import { ROOT, timesOf, type Answer, type Peer } from './peer.js';

/** @param tableFromIPC an expression for Arrow's function */
export function stepSource(tableFromIPC: string): string {
  return `const reached = process.hrtime.bigint(); ${SUM_OF_TABLE}
    const answer = sum(${tableFromIPC}(require('node:fs').readFileSync(0)));
    process.stdout.write(JSON.stringify([String(reached), answer]));`;
}

export const REQUIRE_ARROW = "const arrow = require('apache-arrow');";

export function processPeer(command: string, args: readonly string[], env = process.env): Peer {
  return {
    async measure(): Promise<CallTimes> {
      const start = now();
      const child = spawn(command, args, { cwd: ROOT, env, stdio: ['pipe', 'pipe', 'inherit'] });
      child.stdin.end(TABLE_BYTES);
      const [output] = await Promise.all([text(child.stdout), once(child, 'close')]);
      const end = now();
      if (child.exitCode !== 0) throw new Error(`${command} ended with exit code ${String(child.exitCode)}`);
      return timesOf(JSON.parse(output) as Answer, start, end);
    },
  };
}
