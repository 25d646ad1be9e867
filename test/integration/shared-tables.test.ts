// Tables in all the forms that they can be given in, and those that are shared.
import {
  openSync,
  closeSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  writeFileSync,
  mkdtempSync,
  rmSync,
  createReadStream,
  symlinkSync,
} from 'node:fs';
import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { tableFromArrays, tableToIPC } from 'apache-arrow';
import t from 'tap';
import { SharedTable } from '../../lib/index.js';
import { rejection, startZygote } from '../helpers/zygote.js';

const zygote = await startZygote(t, { preload: ['apache-arrow'] });
const table = tableFromArrays({ a: Int32Array.from({ length: 1_000 }, (_, index) => index) });
const SUM = `module.exports = ({ tables: { t } }) => {
  let sum = 0;
  for (const value of t.getChild('a')) sum += value;
  return sum;
};`;
const EXPECTED = 499_500;

const memfds = (): string[] =>
  readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      const target = readlinkSync(`/proc/self/fd/${fd}`);
      return target.startsWith('/memfd:nodespawner') ? [target] : [];
    } catch {
      return [];
    }
  });

t.test('a table arrives, in whichever form it is given', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'nodespawner-tables-'));
  t.teardown(() => {
    rmSync(folder, { recursive: true });
  });
  const path = join(folder, 'table.arrow');
  const file = tableToIPC(table, 'file');
  writeFileSync(path, file);
  const fd = openSync(path, 'r');
  t.teardown(() => {
    closeSync(fd);
  });
  const chunks = [file.subarray(0, 100), file.subarray(100)];
  const forms = {
    table,
    file,
    stream: tableToIPC(table, 'stream'),
    fd: { fd },
    path: { path },
    readable: Readable.from(chunks),
    readStream: createReadStream(path),
    recordBatch: table.batches[0]!,
  };
  for (const [name, form] of Object.entries(forms)) {
    t.equal((await zygote.run(SUM, { tables: { t: form } })).value, EXPECTED, name);
  }
  t.strictSame(memfds(), [], 'and no memory is held afterwards');
});

t.test('what is no table is refused by name', async (t) => {
  for (const wrong of [1, 'a', {}, { fd: 99_999 }, Readable.from(['text'])]) {
    const error = await rejection(zygote.run(SUM, { tables: { t: wrong as never } }));
    t.match(error, { code: 'ERR_INVALID_OPTION', option: 'inputs.tables.t' });
  }
  const error = await rejection(zygote.run(SUM, { tables: { t: { path: '/no/such/file' } } }));
  t.match(error, { code: 'ERR_INVALID_OPTION', option: 'inputs.tables.t.path', cause: { code: 'ENOENT' } });
  const folder = mkdtempSync(join(tmpdir(), 'nodespawner-tables-'));
  t.teardown(() => {
    rmSync(folder, { recursive: true });
  });
  const pipe = join(folder, 'pipe');
  execFileSync('mkfifo', [pipe]);
  symlinkSync('/dev/zero', join(folder, 'link'));
  for (const path of [pipe, join(folder, 'link'), '/dev/zero', '/dev/null', folder]) {
    const refused = await rejection(zygote.run(SUM, { tables: { t: { path } } }));
    t.match(refused, { code: 'ERR_INVALID_OPTION', option: 'inputs.tables.t' }, path);
  }
  t.strictSame(memfds(), []);
});

t.test('bytes that are no whole table are the caller’s mistake, and not the child’s', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'nodespawner-tables-'));
  t.teardown(() => {
    rmSync(folder, { recursive: true });
  });
  for (const format of ['stream', 'file'] as const) {
    const bytes = tableToIPC(table, format).subarray(0, -24);
    const path = join(folder, format);
    writeFileSync(path, bytes);
    const fd = openSync(path, 'r');
    const forms = { bytes, path: { path }, fd: { fd }, readable: Readable.from([bytes]) };
    for (const [name, form] of Object.entries(forms)) {
      const error = await rejection(zygote.run(SUM, { tables: { whole: table, t: form } }));
      t.match(error, { code: 'ERR_INVALID_OPTION', option: 'inputs.tables.t', cause: { code: 'ERR_INVALID_ARROW' } }, `${format}, ${name}`);
    }
    closeSync(fd);
    t.match(await rejection(SharedTable.from(bytes)), { code: 'ERR_INVALID_OPTION', option: 'table' });
  }
  t.strictSame(memfds(), []);
}); // prettier-ignore

t.test('of what is something else than Arrow is said what it is, and what to do', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'nodespawner-tables-'));
  t.teardown(() => {
    rmSync(folder, { recursive: true });
  });
  const files: [name: string, content: string, message: RegExp][] = [
    [
      'rows.csv',
      'a,b\n1,x\n',
      /it is text, such as CSV; make a table of it first, such as by arquero's fromCSV/,
    ],
    ['rows.json', '\ufeff [{"a":1}]', /it is JSON, it seems; .*tableFromJSON/],
    ['t.parquet', 'PAR1\x15\x04PAR1', /it is Parquet; .*readParquet/],
    ['t.arrow.gz', '\x1f\x8b\x08\0', /it is compressed by gzip; unpack it first/],
    ['empty', '', /it is empty/],
    ['other', '\0\x01\x02\x03', /it isn't: /],
  ];
  for (const [name, content, message] of files) {
    const path = join(folder, name);
    writeFileSync(path, content, name === 'rows.json' ? 'utf8' : 'latin1');
    const error = await rejection(SharedTable.from({ path }));
    t.match(error, { code: 'ERR_INVALID_OPTION', option: 'table.path', message }, name);
    t.ok(
      (error as Error).message.startsWith('table.path must be the path of a whole Arrow IPC file or stream'),
    );
    t.ok((error as Error).message.endsWith(`, but is '${path}'`), 'and the file is named');
    t.match(
      await rejection(SharedTable.from(readFileSync(path))),
      { option: 'table', message },
      'as bytes, too',
    );
  }
  const others: [input: unknown, message: RegExp][] = [
    ['rows.arrow', /\{ path: '…' \} is a file/],
    [[{ a: 1 }], /tableFromJSON\(\) makes a table of rows/],
    [Promise.resolve(table), /await it first/],
    [{ toArrowIPC: () => tableToIPC(table) }, /give what its toArrowIPC\(\) returns/],
  ];
  for (const [input, message] of others)
    t.match(await rejection(SharedTable.from(input as never)), { code: 'ERR_INVALID_OPTION', message });
  t.match(await rejection(SharedTable.from({ path: folder })), {
    option: 'table.path',
    message: `table.path must be the path of a regular file, but is '${folder}'`,
  });
  t.strictSame(memfds(), []);
});

t.test('a shared table is one piece of memory for all children', async (t) => {
  using shared = await SharedTable.from(table);
  const WHERE = `module.exports = ({ tables: { t } }) => {
    const maps = require('node:fs').readFileSync('/proc/self/maps', 'utf8');
    return [/(\\d+)\\s+\\/memfd:nodespawner-input/.exec(maps)[1], t.numRows];
  };`;
  const results = await Promise.all(
    Array.from({ length: 5 }, async () => (await zygote.run(WHERE, { tables: { t: shared } })).value),
  );
  t.equal(new Set(results.map((value) => String((value as unknown[])[0]))).size, 1, 'the same inode');
  t.strictSame(memfds(), ['/memfd:nodespawner-input (deleted)']);
});

t.test('what a child writes to a shared table is its own', async (t) => {
  using shared = await SharedTable.from(table);
  const WRITE = `module.exports = ({ tables: { t } }) => {
    const { values } = t.batches[0].data.children[0];
    values.fill(7);
    return values[999];
  };`;
  t.equal((await zygote.run(WRITE, { tables: { t: shared } })).value, 7);
  t.equal((await zygote.run(SUM, { tables: { t: shared } })).value, EXPECTED);
});

t.test('a shared table that was disposed of is refused, and its memory is given back', async (t) => {
  const shared = await SharedTable.from(table);
  const running = await zygote.spawn(SUM, { tables: { t: shared } });
  shared.close();
  t.match(await running.result, { status: 'ok', value: EXPECTED }, 'a child that has it keeps it');
  const error = await rejection(zygote.run(SUM, { tables: { t: shared } }));
  t.match(error, { code: 'ERR_INVALID_OPTION', option: 'inputs.tables.t' });
  t.strictSame(memfds(), []);
});

t.test('a table that came out of a child goes into the next without a copy', async (t) => {
  const { tables } = await zygote.run('module.exports = ({ tables }) => tables.t', { tables: { t: table } });
  const WHERE = `module.exports = ({ tables: { t } }) => {
    const maps = require('node:fs').readFileSync('/proc/self/maps', 'utf8');
    return [/memfd:nodespawner-(\\w+)/.exec(maps)[1], t.numRows];
  };`;
  t.strictSame((await zygote.run(WHERE, { tables: { t: tables.table! } })).value, ['output', 1_000]);
  t.equal((await zygote.run(SUM, { tables: { t: tables.table! } })).value, EXPECTED);
});

t.test('one of several tables of a child does not take the others along', async (t) => {
  const two = `const { tableFromArrays } = require('apache-arrow');
    module.exports = () => ({ tables: { a: tableFromArrays({ a: [1] }), secret: tableFromArrays({ b: [2] }) } });`;
  const { tables } = await zygote.run(two);
  const WHERE = `module.exports = () => {
    const maps = require('node:fs').readFileSync('/proc/self/maps', 'utf8');
    return /memfd:nodespawner-(\\w+)/.exec(maps)[1];
  };`;
  t.equal((await zygote.run(WHERE, { tables: { t: tables.a! } })).value, 'input');
});

const LARGE_BYTES = 32 * 2 ** 20;
const largeTable = (): Promise<SharedTable> =>
  SharedTable.from(tableFromArrays({ a: new Int32Array(LARGE_BYTES / 4).fill(7) }));

t.test('V8 counts no table as memory of its own, and collects no garbage on its account', async (t) => {
  using shared = await largeTable();
  const code = `
    const { external, arrayBuffers } = process.memoryUsage();
    module.exports = ({ tables: { t } }) => [external, arrayBuffers, t.getChild('a').get(t.numRows - 1)];`;
  const [external, arrayBuffers, last] = (await zygote.run(code, { tables: { t: shared } }))
    .value as number[];
  t.equal(last, 7);
  t.ok(external! < LARGE_BYTES && arrayBuffers! < LARGE_BYTES, `${external} and ${arrayBuffers} bytes`);
});

t.test('the mapping of a table goes with the last that refers to it', async (t) => {
  using shared = await largeTable();
  const code = `
    const { readFileSync } = require('node:fs'), { setTimeout } = require('node:timers/promises');
    require('node:v8').setFlagsFromString('--expose-gc');
    const gc = require('node:vm').runInNewContext('gc');
    const isMapped = () => readFileSync('/proc/self/maps', 'utf8').includes('/memfd:nodespawner-input');
    const held = {};
    function hand(inputs) {
      const { buffer } = inputs.tables.t.getChild('a').data[0].values;
      delete inputs.tables;
      held.moved = structuredClone(buffer, { transfer: [buffer] });
    }
    module.exports = async (inputs) => {
      hand(inputs);
      for (let i = 0; i < 5; i++) { gc(); await setTimeout(1); }
      const found = [isMapped(), new Int32Array(held.moved).lastIndexOf(7) > 0];
      delete held.moved;
      while (isMapped()) { gc(); await setTimeout(1); }
      return found;
    };`;
  t.strictSame((await zygote.run(code, { tables: { t: shared } })).value, [true, true]);
});
