/**
 * The node of waiting-node.ts: waits for a call, does it, and waits for the next. A call is its length, that of the code and
 * the code, as 32-bit numbers and text, and what is left is a table. All of it is blocking, which is the shortest way.
 */
import fs from 'node:fs';
import vm from 'node:vm';
import { tableFromIPC, type Table } from 'apache-arrow';

/** Where calls come from and answers go to. */
const FD = 3;
const HEADER_BYTES = 8;
const MOST_BYTES = 1024 * 1024;

interface Step {
  exports: (inputs: { tables: Record<string, Table> }) => unknown;
}

const buffer = Buffer.alloc(MOST_BYTES);
for (;;) {
  let read = fs.readSync(FD, buffer, 0, MOST_BYTES, null);
  if (read === 0) break;
  const length = buffer.readUInt32LE(0);
  while (read < length) read += fs.readSync(FD, buffer, read, MOST_BYTES - read, null);
  const codeEnd = HEADER_BYTES + buffer.readUInt32LE(4);
  const step: Step = { exports: () => undefined };
  const code = buffer.toString('latin1', HEADER_BYTES, codeEnd);
  const run = vm.compileFunction(code, ['require', 'module']) as (from: NodeJS.Require, module: Step) => void;
  run(require, step);
  const tables = length > codeEnd ? { input: tableFromIPC(buffer.subarray(codeEnd, length)) } : {};
  fs.writeSync(FD, String(step.exports({ tables })));
}
