/** Tables between machines, each of which has memory, and may have a folder, of its own. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, readlinkSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { tableFromArrays, tableFromIPC, tableToIPC } from 'apache-arrow';
import t, { type Test } from 'tap';
import { CacheFolder } from '../../renderer/cache-folder.js';
import { folderStore, Renderer, s3Store, type ObjectStore, type Workflow } from '../../renderer/index.js';
import { TableExchange } from '../../renderer/store/table-exchange.js';
import { TableFiles } from '../../renderer/table-files.js';
import { TableStore } from '../../renderer/table-store.js';
import { Telemetry } from '../../renderer/telemetry.js';
import { eventually } from '../helpers/eventually.js';
import { step, temporaryFolder } from '../helpers/renderer.js';
import { startS3, type S3Server } from '../helpers/s3-server.js';

const NEVER = new AbortController().signal;

/** A part of 200 MB: more than a few parts on their way to S3, and what V8 has not yet collected. */
const MOST_GROWTH_BYTES = 64 * 1024 * 1024;

const BYTES = tableToIPC(tableFromArrays({ n: Int32Array.from({ length: 250_000 }, (_, n) => n) }));
const REF = { hash: createHash('sha256').update(BYTES).digest('hex'), byteLength: BYTES.byteLength };
const KEY = `tables/${REF.hash}.arrow`;

interface Machine {
  readonly memory: TableStore;
  readonly tables: TableExchange;
}

/** @param dir a folder that several processes of it share */
async function machine(t: Test, store: ObjectStore | undefined, dir?: string): Promise<Machine> {
  const memory = new TableStore(0);
  const telemetry = new Telemetry(undefined, () => {
    throw new Error('nobody looks');
  });
  const folder = dir === undefined ? undefined : await CacheFolder.open(dir, 1e9);
  const files = folder && new TableFiles(folder, telemetry);
  const tables = new TableExchange({ memory, files, store }, telemetry);
  t.teardown(async () => {
    await tables.flush();
    memory.clear();
    telemetry.close();
  });
  return { memory, tables };
}

async function publish(t: Test, store: ObjectStore): Promise<void> {
  const { memory, tables } = await machine(t, store);
  const stored = await memory.add(BYTES);
  await tables.publish(stored, NEVER);
  stored.release();
}

async function bytesOf({ tables }: Machine): Promise<Buffer> {
  const stored = await tables.tableOf(REF, NEVER);
  const bytes = Buffer.from(await stored.bytes());
  stored.release();
  return bytes;
}

function storeOf(t: Test, server: S3Server, prefix?: string): ObjectStore {
  const store = s3Store({ ...server.options(prefix), maxAttempts: 2 });
  t.teardown(() => store.close());
  return store;
}

/** Descriptors of memory for tables that this process has. */
function memfds(): number {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith('/memfd:nodespawner');
    } catch {
      return false;
    }
  }).length;
}

/** It is given back on a thread. */
async function noMemory(): Promise<void> {
  await eventually('no memory of a table is left', () => memfds() === 0);
}

function countOf({ seen }: S3Server, method: string): number {
  return seen.filter((request) => request.method === method && request.key.endsWith(KEY)).length;
}

t.test('what one machine has made another gets, once, however many ask for it', async (t) => {
  const server = await startS3(t);
  await noMemory();
  await publish(t, storeOf(t, server));
  await publish(t, storeOf(t, server));
  t.equal(countOf(server, 'PUT'), 1, 'and is put there once');
  const another = await machine(t, storeOf(t, server));
  const all = await Promise.all(Array.from({ length: 10 }, () => another.tables.tableOf(REF, NEVER)));
  t.equal(countOf(server, 'GET'), 1);
  t.equal(new Set(all).size, 1);
  t.ok(Buffer.from(BYTES).equals(Buffer.from((await all[0]?.bytes()) ?? [])));
  t.same(another.tables.stats, { downloadedBytes: REF.byteLength, uploadedBytes: 0 });
  for (const stored of all) stored.release();
  await noMemory();
});

t.test('a table is fetched once for a machine that has a folder', async (t) => {
  const server = await startS3(t);
  const store = storeOf(t, server);
  await publish(t, store);
  const dir = temporaryFolder(t);
  const first = await machine(t, store, dir);
  await bytesOf(first);
  await first.tables.flush();
  await bytesOf(await machine(t, store, dir));
  t.equal(countOf(server, 'GET'), 1);
});

t.test('what lies in the folder is not read to be put where it is already', async (t) => {
  const store = folderStore({ dir: temporaryFolder(t) });
  await publish(t, store);
  const dir = temporaryFolder(t);
  const first = await machine(t, store, dir);
  await bytesOf(first);
  await first.tables.flush();
  const { memory, tables } = await machine(t, store, dir);
  const stored = await tables.tableOf(REF, NEVER);
  await tables.publish(stored, NEVER);
  t.equal(memory.copiedBytes, 0);
  const elsewhere = await machine(t, folderStore({ dir: temporaryFolder(t) }), dir);
  const same = await elsewhere.tables.tableOf(REF, NEVER);
  await elsewhere.tables.publish(same, NEVER);
  t.equal(elsewhere.tables.stats.uploadedBytes, REF.byteLength);
  stored.release();
  same.release();
});

t.test(
  'of processes that have one folder, one fetches a table for all, or the next one if it gives up',
  async (t) => {
    const server = await startS3(t);
    const store = storeOf(t, server);
    await publish(t, store);
    const dir = temporaryFolder(t);
    const [first, ...others] = await Promise.all(Array.from({ length: 3 }, () => machine(t, store, dir)));
    let hangs = true;
    server.fault = ({ method }) => (method === 'GET' && hangs ? { stallDownloadAfter: 500_000 } : undefined);
    const abort = new AbortController();
    const pending = first?.tables.tableOf(REF, abort.signal).catch((error: unknown) => error);
    await eventually('the first has begun', () => server.downloadedBytes > 100_000);
    const ends = others.map(bytesOf);
    hangs = false;
    abort.abort(new Error('enough'));
    t.match(await pending, new Error('enough'));
    for (const bytes of await Promise.all(ends)) t.ok(bytes.equals(Buffer.from(BYTES)));
    t.equal(countOf(server, 'GET'), 2);
  },
);

t.test('what is cut or damaged on the way is fetched again', async (t) => {
  const server = await startS3(t);
  const store = storeOf(t, server);
  await publish(t, store);
  for (const fault of ['damageDownload', { cutDownloadAfter: 100_000 }, { cutDownloadAfter: 0 }] as const) {
    let left = 1;
    server.fault = () => (left-- > 0 ? fault : undefined);
    t.ok((await bytesOf(await machine(t, store))).equals(Buffer.from(BYTES)), JSON.stringify(fault));
    t.equal(left, -1);
  }
});

t.test('what stays cut is unavailable, and nothing of it is kept', async (t) => {
  const server = await startS3(t);
  const store = storeOf(t, server);
  await publish(t, store);
  await noMemory();
  server.fault = () => ({ cutDownloadAfter: 100_000 });
  const { tables } = await machine(t, store);
  await t.rejects(tables.tableOf(REF, NEVER), { code: 'ERR_STORE_UNAVAILABLE', key: KEY });
  await noMemory();
});

t.test(
  'what comes damaged stays in the store, and is got from there when the way is good again',
  async (t) => {
    const server = await startS3(t);
    const store = storeOf(t, server);
    await publish(t, store);
    const one = await machine(t, store);
    server.fault = ({ method }) => (method === 'GET' ? 'damageDownload' : undefined);
    await t.rejects(one.tables.tableOf(REF, NEVER), { code: 'ERR_STORE_CORRUPT', key: KEY });
    server.fault = () => undefined;
    for (const each of [one, await machine(t, store)]) t.ok((await bytesOf(each)).equals(Buffer.from(BYTES)));
    t.equal(countOf(server, 'DELETE'), 0);
  },
);

t.test('what is damaged in the store is told, and replaced by whoever makes it anew there', async (t) => {
  const dir = temporaryFolder(t);
  const store = folderStore({ dir });
  const file = path.join(dir, KEY);
  await noMemory();
  const damages: Readonly<Record<string, () => void>> = {
    'another byte': () => {
      const damaged = readFileSync(file);
      damaged.writeUInt8(damaged.readUInt8(5000) ^ 1, 5000);
      writeFileSync(file, damaged);
    },
    'its end': () => {
      truncateSync(file, 1000);
    },
    'nothing left': () => {
      truncateSync(file, 0);
    },
  };
  for (const [name, damage] of Object.entries(damages)) {
    await publish(t, store);
    damage();
    const { memory, tables } = await machine(t, store);
    await t.rejects(tables.tableOf(REF, NEVER), { code: 'ERR_STORE_CORRUPT', key: KEY }, name);
    const stored = await memory.add(BYTES);
    await tables.publish(stored, NEVER);
    stored.release();
    await noMemory();
    t.ok((await bytesOf(await machine(t, store))).equals(Buffer.from(BYTES)), `${name}: replaced`);
    await noMemory();
  }
});

t.test('what has the hash that it should, but is no table, is no table', async (t) => {
  const store = folderStore({ dir: temporaryFolder(t) });
  const bytes = Buffer.from('no table');
  const hash = createHash('sha256').update(bytes).digest('hex');
  await store.put(`tables/${hash}.arrow`, bytes, { sha256: hash });
  const { tables } = await machine(t, store);
  await t.rejects(tables.tableOf({ hash, byteLength: 8 }, NEVER), { code: 'ERR_STORE_CORRUPT' });
});

t.test(
  'who gives up is let go at once, and the others get it; when all have, the transfer ends',
  async (t) => {
    const server = await startS3(t);
    const store = storeOf(t, server);
    await publish(t, store);
    await noMemory();
    const { tables } = await machine(t, store);
    server.fault = () => ({ stallDownloadAfter: 500_000 });
    const aborts = [new AbortController(), new AbortController()];
    const pending = aborts.map(({ signal }) => tables.tableOf(REF, signal));
    const ends = pending.map((table) => table.catch((error: unknown) => error));
    // What the server has sent may still be on its way.
    await eventually('it has begun', () => server.downloadedBytes > 100_000 && memfds() === 1);
    aborts[0]?.abort(new Error('first'));
    t.match(await ends[0], new Error('first'));
    t.equal(memfds(), 1, 'it goes on for the other');
    aborts[1]?.abort(new Error('second'));
    t.match(await ends[1], new Error('second'));
    await noMemory();
    server.fault = () => undefined;
    t.ok(
      (await bytesOf({ tables, memory: new TableStore(0) })).equals(Buffer.from(BYTES)),
      'and can begin again',
    );
  },
);

t.test(
  'of a table of 200 MB not more than four chunks are held at once, and it is put from where it lies',
  async (t) => {
    const numbers = new Uint32Array(50 * 1024 * 1024);
    for (let n = 0; n < numbers.length; n++) numbers[n] = n;
    const large = tableToIPC(tableFromArrays({ numbers }));
    const hash = createHash('sha256').update(large).digest('hex');
    // Whoever held another chunk would see it overwritten, and the hash would be another.
    const ring = Array.from({ length: 4 }, () => Buffer.alloc(1024 * 1024));
    let chunks = 0;
    const body = function* (): Generator<Buffer> {
      for (let done = 0; done < large.byteLength;) {
        const chunk = ring[chunks++ % ring.length] ?? Buffer.alloc(0);
        const length = Math.min(chunk.byteLength, large.byteLength - done);
        chunk.set(large.subarray(done, done + length));
        yield chunk.subarray(0, length);
        done += length;
      }
    };
    const store = {
      ...folderStore({ dir: temporaryFolder(t) }),
      name: 'ring',
      get: () =>
        Promise.resolve({
          byteLength: large.byteLength,
          body: Readable.from(body(), { objectMode: true, highWaterMark: 1 }),
        }),
    } as unknown as ObjectStore;
    const { tables } = await machine(t, store);
    const stored = await tables.tableOf({ hash, byteLength: large.byteLength }, NEVER);
    t.equal(stored.byteLength, large.byteLength);
    t.ok(chunks >= 200);
    const places = { folder: folderStore({ dir: temporaryFolder(t) }), s3: await swallowingS3(t) };
    for (const [name, place] of Object.entries(places)) {
      const { tables: others } = await machine(t, place);
      const grownBytes = await growthWhile(() => others.publish(stored, NEVER));
      t.ok(grownBytes < MOST_GROWTH_BYTES, `${name}: it grew by ${grownBytes} bytes`);
      t.equal(others.stats.uploadedBytes, large.byteLength);
    }
    stored.release();
    // Alive until here: what is given back meanwhile would hide what is taken.
    t.equal(numbers.byteLength, ring.length && numbers.length * 4);
  },
);

/** A bucket whose server takes what it is sent, and keeps nothing. */
async function swallowingS3(t: Test): Promise<ObjectStore> {
  const server = createServer((request, response) => {
    const { searchParams } = new URL(request.url ?? '', 'http://localhost');
    const answer = searchParams.has('uploads')
      ? '<InitiateMultipartUploadResult><UploadId>1</UploadId></InitiateMultipartUploadResult>'
      : searchParams.has('uploadId') && request.method === 'POST'
        ? '<CompleteMultipartUploadResult><ETag>"1"</ETag></CompleteMultipartUploadResult>'
        : '';
    request.resume().on('end', () => {
      response.writeHead(request.method === 'HEAD' ? 404 : 200, { etag: '"1"' }).end(answer);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const credentials = { accessKeyId: 'a', secretAccessKey: 'b' };
  const store = s3Store({
    bucket: 'tables',
    region: 'us-east-1',
    endpoint: `http://127.0.0.1:${port}`,
    credentials,
  });
  t.teardown(async () => {
    await store.close();
    server.closeAllConnections();
    server.close();
  });
  return store;
}

/** Of this process, without what it shares, such as tables in sealed memory: proc_pid_status(5). */
const anonymousBytes = (): number =>
  1024 * Number(/^RssAnon:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]);

/** By how much it was larger at the most than before. */
async function growthWhile(work: () => Promise<void>): Promise<number> {
  const before = anonymousBytes();
  let most = before;
  let isOver = false;
  const done = work().finally(() => (isOver = true));
  // The other end of it is a promise.
  while (!(isOver as boolean)) {
    most = Math.max(most, anonymousBytes());
    await new Promise(setImmediate);
  }
  await done;
  return most - before;
}

const WORKFLOW: Workflow = {
  id: 'w',
  tabs: [
    {
      id: 'tab',
      steps: [step('made', 'return tableFromArrays({ n: [process.hrtime.bigint() % 1000000007n] });')],
    },
  ],
};

async function render(store: ObjectStore) {
  const renderer = await Renderer.start({ store });
  try {
    const report = await renderer.render(WORKFLOW);
    const [made] = report.steps;
    const bytes = await report.tables.tab?.bytes();
    const n = bytes && String(tableFromIPC(bytes).get(0)?.n);
    report[Symbol.dispose]();
    return { status: report.status, cached: made?.cached, errors: made?.errors, n };
  } finally {
    await renderer.close();
  }
}

t.test('what one Renderer has rendered, another takes from the store', async (t) => {
  const dir = temporaryFolder(t);
  const first = await render(folderStore({ dir }));
  t.match(first, { status: 'ok', cached: false });
  t.same(await render(folderStore({ dir })), { ...first, cached: true });
  // What is there of the tables is damaged; then a lifecycle rule has removed them.
  for (const name of readdirSync(path.join(dir, 'tables'))) truncateSync(path.join(dir, 'tables', name), 0);
  const again = await render(folderStore({ dir }));
  t.match(again, { status: 'ok', cached: false });
  t.not(again.n, first.n);
  t.same(await render(folderStore({ dir })), { ...again, cached: true }, 'which is kept in its place');
  for (const name of readdirSync(path.join(dir, 'tables'))) rmSync(path.join(dir, 'tables', name));
  const third = await render(folderStore({ dir }));
  t.match(third, { status: 'ok', cached: false });
  t.same(await render(folderStore({ dir })), { ...third, cached: true });
});

t.test('what can not be put into the store is not said to be rendered', async (t) => {
  const server = await startS3(t);
  server.fault = ({ method }) => (method === 'PUT' ? { status: 503 } : undefined);
  t.match(await render(storeOf(t, server)), { status: 'error', errors: [{ code: 'internal' }] });
});
