// A table whose dictionary comes in many batches is read one batch at a time.
import { writeSync } from 'node:fs';
import * as arrow from 'apache-arrow';
import t, { type Test } from 'tap';
import { messagesInTurns } from '../../../lib/messages-in-turns.js';
import { BadTableError, createOutput, readOutput } from '../../../lib/output-tables.js';
import { Turn } from '../../../lib/turns.js';
import { batchMessage, dictionaryMessage, field, file, NONE, stream } from '../../helpers/arrow/craft.js';
import { rejection } from '../../helpers/zygote.js';

const DELTAS = 300;
const numbers = (value: number) => ({
  length: 1,
  nodes: [[1, 0]] as const,
  buffers: [NONE, Int16Array.of(value)],
});
const rows = batchMessage({
  length: DELTAS + 1,
  nodes: [[DELTAS + 1, 0]],
  buffers: [NONE, Int16Array.from({ length: DELTAS + 1 }, (_, index) => index)],
});
const messages = Array.from({ length: DELTAS + 1 }, (_, index) =>
  dictionaryMessage(5, numbers(10 * index), index > 0),
);
const fields = [field('c', new arrow.Dictionary(new arrow.Int16(), new arrow.Int16(), 5))];

async function read(t: Test, bytes: Uint8Array): Promise<arrow.Table | undefined> {
  const output = createOutput(2 ** 20);
  t.teardown(() => {
    output.release();
  });
  writeSync(output.fd, bytes, 0, bytes.byteLength, 0);
  const { t: table } = await readOutput(output, 2 ** 20, [
    { name: 't', offset: 0, length: bytes.byteLength },
  ]);
  return table;
}

t.test('the values are those that apache-arrow reads at once', async (t) => {
  const bytes = stream(fields, ...messages, rows, rows);
  const table = await read(t, bytes);
  t.strictSame([...(table?.getChild('c') ?? [])], [...(arrow.tableFromIPC(bytes).getChild('c') ?? [])]);
  t.equal(table?.numRows, 2 * DELTAS + 2);
});

t.test('there may be a turn of others before each message, and nothing is copied', async (t) => {
  const bytes = stream(fields, ...messages, rows);
  const turn = new Turn();
  let turns = 0;
  turn.next = () => {
    turns++;
    return Promise.resolve();
  };
  let position = 0;
  for await (const message of messagesInTurns(bytes, turn)) {
    t.equal(message.buffer, bytes.buffer);
    t.equal(message.byteOffset, bytes.byteOffset + position);
    position += message.byteLength;
  }
  t.equal(position, bytes.byteLength);
  // The schema, the rows and the end besides.
  t.equal(turns, messages.length + 3);
});

t.test('files, which are read at once and which no child of ours writes, may have a few', async (t) => {
  t.equal((await read(t, file(fields, ...messages.slice(0, 8), batchMessage(numbers(7)))))?.numRows, 1);
  t.match(await rejection(read(t, file(fields, ...messages.slice(0, 9), batchMessage(numbers(7))))), {
    constructor: BadTableError,
    path: 'tables.t',
    message: /9 dictionary batches, which is more than 8/,
  });
});
