// Tables that arrow-rs has written, the implementation of Arrow in Rust, read the same in children; and it reads the same in what
// children give.
import { readSync } from 'node:fs';
import { tableFromIPC, type Table } from 'apache-arrow';
import { Table as RustTable } from 'parquet-wasm/node';
import t from 'tap';
import { validateArrow } from '../../lib/arrow/validate.js';
import { memoryOf } from '../../lib/table-memory.js';
import { samples } from '../helpers/arrow/corpus.js';
import { describeTable } from '../helpers/arrow/describe.js';
import { ECHO } from '../helpers/arrow/through-child.js';
import { startZygote } from '../helpers/zygote.js';

/** What arrow-rs reads in a stream and writes again. */
const throughRust = (stream: Uint8Array): Uint8Array => RustTable.fromIPCStream(stream).intoIPCStream();

/** apache-arrow and flechette don't write columns of nulls as the format has them, and arrow-rs doesn't read them. */
const NULLS = ['listOfNull', 'all', 'sliced', 'sliced3', 'noRows'];
const UNREAD = [...NULLS.map((name) => `apache-arrow ${name} stream`), 'flechette null stream'];

/** By arrow-rs, and by the writer that it had them from. */
const written = new Map<string, { rust: Uint8Array; original: Uint8Array }>();
const unread: string[] = [];
for (const { name, bytes } of samples().filter((sample) => sample.name.endsWith(' stream'))) {
  try {
    written.set(name, { rust: throughRust(bytes), original: bytes });
  } catch {
    unread.push(name);
  }
}
t.strictSame(unread, UNREAD);
t.ok(written.size > 100, `${written.size} tables`);

const zygote = await startZygote(t, { preload: ['apache-arrow'] });
const inputs = Object.fromEntries(Array.from(written, ([name, { rust }]) => [name, rust]));
const { value, tables } = await zygote.run(ECHO, { params: { stream: false }, tables: inputs });

t.test('they read the same in a child', (t) => {
  for (const [name, { rust, original }] of written) {
    validateArrow(rust);
    t.equal((value as Record<string, string>)[name], describeTable(tableFromIPC(original)), name);
  }
  t.end();
});

t.test('arrow-rs reads the same in what a child gives', async (t) => {
  const bytesOf = (table: Table | undefined): Uint8Array => {
    const range = table && memoryOf(table);
    if (range === undefined) throw new Error('the memory of the table is not known');
    const bytes = new Uint8Array(range.length);
    readSync(range.memory.fd, bytes, 0, range.length, range.offset);
    return bytes;
  };
  for (const [name, { original }] of written) {
    t.equal(describeTable(tables[name]!), describeTable(tableFromIPC(original)), name);
    // Only of a result's only table the memory is known. Each type is there by flechette, too.
    if (!name.startsWith('flechette')) continue;
    const { tables: only } = await zygote.run(ECHO, { params: { stream: false }, tables: { t: original } });
    const there = describeTable(tableFromIPC(throughRust(bytesOf(only.t))));
    t.equal(there, describeTable(tableFromIPC(original)), name);
  }
});
