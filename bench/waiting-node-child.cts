/**
 * The node of waiting-node.ts: waits for a call, does it, and waits for the next. A call is the length of the code, that of
 * the table and the two; an answer is its length and text. All of it is blocking, which is the shortest way.
 */
import fs from 'node:fs';
import vm from 'node:vm';
import { tableFromIPC, type Table } from 'apache-arrow';

/** Where calls come from and answers go to. */
const FD = 3;
const HEADER_BYTES = 8;

interface Step {
  exports: (inputs: { tables: Record<string, Table> }) => unknown;
}

let buffer = Buffer.alloc(64 * 1024);
let received = 0;

/** Ends the process where nothing more comes. */
function receiveAtLeast(bytes: number): void {
  if (buffer.length < bytes) buffer = Buffer.concat([buffer, Buffer.alloc(bytes)]);
  while (received < bytes) {
    const count = fs.readSync(FD, buffer, received, buffer.length - received, null);
    if (count === 0) process.exit(received === 0 ? 0 : 1);
    received += count;
  }
}

for (;;) {
  received = 0;
  receiveAtLeast(HEADER_BYTES);
  const codeEnd = HEADER_BYTES + buffer.readUInt32LE(0);
  const end = codeEnd + buffer.readUInt32LE(4);
  receiveAtLeast(end);
  const step: Step = { exports: () => undefined };
  const code = buffer.toString('latin1', HEADER_BYTES, codeEnd);
  const run = vm.compileFunction(code, ['require', 'module']) as (from: NodeJS.Require, module: Step) => void;
  run(require, step);
  const tables = end > codeEnd ? { input: tableFromIPC(buffer.subarray(codeEnd, end)) } : {};
  const answer = Buffer.from(`    ${String(step.exports({ tables }))}`, 'latin1');
  answer.writeUInt32LE(answer.length, 0);
  for (let sent = 0; sent < answer.length;) sent += fs.writeSync(FD, answer, sent);
}
