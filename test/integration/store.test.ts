/** Stores of tables: what is put comes back, and what goes wrong on the way is told from what isn't there. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import t, { type Test } from 'tap';
import { folderStore, type ObjectStore, openStore, s3Store, type StoreError } from '../../renderer/index.js';
import { type Fault, type S3Server, startS3 } from '../helpers/s3-server.js';

const SMALL = randomBytes(1000);
/** In parts, of which the last is a short one. */
const LARGE = randomBytes(17_000_000);

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

async function put(
  store: ObjectStore,
  key: string,
  bytes: Uint8Array,
  signal?: AbortSignal,
): Promise<boolean> {
  return store.put(key, bytes, { sha256: sha256(bytes), ...(signal && { signal }) });
}

async function get(store: ObjectStore, key: string): Promise<Buffer | undefined> {
  const object = await store.get(key);
  return object && (await buffer(object.body));
}

function temporaryFolder(t: Test): string {
  const dir = mkdtempSync(path.join(os.tmpdir(), 'nodespawner-store-'));
  t.teardown(() => {
    rmSync(dir, { recursive: true });
  });
  return dir;
}

function opened(t: Test, store: ObjectStore): ObjectStore {
  t.teardown(() => store.close());
  return store;
}

/** Requests that are answered at once or not at all are not waited for. */
function s3(
  t: Test,
  server: S3Server,
  options: { timeoutMs?: number; maxAttempts?: number } = {},
): ObjectStore {
  return opened(t, s3Store({ ...server.options(), ...options }));
}

const kinds: Readonly<Record<string, (t: Test) => Promise<() => ObjectStore>>> = {
  folder: (t) => {
    const dir = temporaryFolder(t);
    return Promise.resolve(() => folderStore({ dir }));
  },
  s3: async (t) => {
    const server = await startS3(t);
    return () => s3(t, server);
  },
};

for (const [kind, prepare] of Object.entries(kinds)) {
  t.test(`${kind}: another gets the bytes that one has put`, async (t) => {
    const make = await prepare(t);
    const [one, another] = [make(), make()];
    for (const [key, bytes] of Object.entries({
      'tables/small': SMALL,
      'tables/large': LARGE,
      empty: Buffer.alloc(0),
    })) {
      t.equal(await another.sizeOf(key), undefined, `${key} is not there`);
      t.equal(await another.get(key), undefined);
      t.equal(await put(one, key, bytes), true);
      t.equal(await another.sizeOf(key), bytes.byteLength);
      t.ok((await get(another, key))?.equals(bytes), `${key} is the same`);
    }
    t.equal(await put(another, 'tables/large', LARGE), false, 'what is there is not written again');
    const other = Buffer.from(LARGE).fill(0, 5, 10);
    const options = { sha256: sha256(other), replace: true };
    t.equal(await another.put('tables/large', other, options), true, 'unless it is to be replaced');
    t.ok((await get(one, 'tables/large'))?.equals(other));
  });

  t.test(`${kind}: many put one object at once`, async (t) => {
    const make = await prepare(t);
    await Promise.all(Array.from({ length: 4 }, () => put(make(), 'tables/one', LARGE)));
    t.ok((await get(make(), 'tables/one'))?.equals(LARGE));
  });

  t.test(`${kind}: names that lead elsewhere are refused`, async (t) => {
    const store = (await prepare(t))();
    for (const key of [
      '',
      '/a',
      'a/',
      'a//b',
      '../a',
      'a/../b',
      '.hidden',
      'a\0b',
      'a?b',
      'ä',
      'a'.repeat(600),
    ])
      await t.rejects(store.get(key), { code: 'ERR_INVALID_OPTION', option: 'key' }, key);
  });

  t.test(`${kind}: nothing is done for who has gone`, async (t) => {
    const store = (await prepare(t))();
    const reason = new Error('gone');
    const signal = AbortSignal.abort(reason);
    await t.rejects(put(store, 'a', SMALL, signal), reason);
    await t.rejects(store.get('a', { signal }), reason);
    await t.rejects(store.sizeOf('a', { signal }), reason);
    t.equal(await store.get('a'), undefined);
  });
}

t.test(
  'folder: what a killed writer leaves is not taken for the object, and a damaged one is written anew',
  async (t) => {
    const dir = temporaryFolder(t);
    const store = folderStore({ dir });
    await put(store, 'tables/a', SMALL);
    writeFileSync(path.join(dir, 'tables/.tmp-left'), SMALL.subarray(0, 10));
    t.equal(await store.get('tables/b'), undefined);
    truncateSync(path.join(dir, 'tables/a'), 10);
    t.equal(await put(store, 'tables/a', SMALL), true);
    t.ok((await get(store, 'tables/a'))?.equals(SMALL));
  },
);

t.test('folder: what is aborted leaves nothing', async (t) => {
  const dir = temporaryFolder(t);
  const abort = new AbortController();
  const pending = put(folderStore({ dir }), 'tables/a', LARGE, abort.signal);
  abort.abort(new Error('enough'));
  await t.rejects(pending, new Error('enough'));
  t.same(
    readdirSync(dir, { recursive: true }).filter((name) => name !== 'tables'),
    [],
  );
});

t.test('folder: one that is removed is made again; one that can not be made is refused', async (t) => {
  const dir = temporaryFolder(t);
  const store = folderStore({ dir });
  await put(store, 'tables/a', SMALL);
  rmSync(path.join(dir, 'tables'), { recursive: true });
  await t.rejects(put(store, 'tables/a', SMALL), { code: 'ERR_STORE_UNAVAILABLE', isTransient: true });
  t.equal(await put(store, 'tables/a', SMALL), true);
  const file = path.join(dir, 'file');
  writeFileSync(file, '');
  await t.rejects(put(folderStore({ dir: file }), 'tables/a', SMALL), {
    code: 'ERR_STORE_DENIED',
    key: 'tables/a',
    isTransient: false,
  });
});

/** The first so many requests that match have the fault. */
function failing(server: S3Server, times: number, fault: Fault, method?: string): void {
  let left = times;
  server.fault = (seen) => ((method ?? seen.method) === seen.method && left-- > 0 ? fault : undefined);
}

t.test('S3: what fails now and then is tried again', async (t) => {
  const server = await startS3(t);
  const store = s3(t, server);
  for (const fault of [
    { status: 503 },
    { status: 500 },
    'refuse',
    { delayMs: 50 },
    'damageUpload',
    { cutUploadAfter: 10 },
  ] as const) {
    const key = `tables/${JSON.stringify(fault).replace(/[^A-Za-z0-9]/g, '')}`;
    failing(server, 2, fault);
    t.equal(await put(store, key, SMALL), true, key);
    failing(server, 2, fault);
    t.ok((await get(store, key))?.equals(SMALL));
  }
  failing(server, 3, { status: 503 });
  t.equal(await put(store, 'tables/large', LARGE), true);
  t.ok((await get(store, 'tables/large'))?.equals(LARGE));
});

t.test('S3: what fails always is given up, with what to do about it', async (t) => {
  const server = await startS3(t);
  const store = s3(t, server, { maxAttempts: 2, timeoutMs: 30_000 });
  const codeOf = async (fault: Fault, act = () => put(store, 'tables/a', SMALL)): Promise<string> => {
    server.fault = () => fault;
    return act().then(
      () => 'ok',
      (error: unknown) => (error as StoreError).code,
    );
  };
  for (const fault of [
    { status: 500 },
    { status: 503 },
    { status: 429 },
    'refuse',
    'damageUpload',
    { cutUploadAfter: 10 },
  ] as const)
    t.equal(await codeOf(fault), 'ERR_STORE_UNAVAILABLE', JSON.stringify(fault));
  for (const status of [301, 400, 401, 403])
    t.equal(await codeOf({ status }), 'ERR_STORE_DENIED', String(status));
  const impatient = s3(t, server, { timeoutMs: 300 });
  t.equal(await codeOf('hang', () => put(impatient, 'tables/a', SMALL)), 'ERR_STORE_UNAVAILABLE', 'hang');
  server.fault = () => undefined;
  t.equal(await store.get('tables/a'), undefined, 'nothing is there');
});

t.test('S3: a large object that can not be sent is not there, and neither are its parts', async (t) => {
  const server = await startS3(t);
  const store = s3(t, server, { maxAttempts: 2 });
  server.fault = ({ query }) => (query.get('partNumber') === '2' ? { status: 500 } : undefined);
  await t.rejects(put(store, 'tables/a', LARGE), { code: 'ERR_STORE_UNAVAILABLE' });
  t.equal(await store.get('tables/a'), undefined);
  await store.close();
  t.ok(
    server.seen.some(({ method, query }) => method === 'DELETE' && query.has('uploadId')),
    'its parts are removed',
  );
});

t.test('S3: what is aborted ends at once', async (t) => {
  const server = await startS3(t);
  const store = s3(t, server);
  await put(store, 'tables/there', LARGE);
  const stuck: Fault[] = ['hang', { status: 500 }];
  for (const fault of stuck) {
    for (const act of [
      (signal: AbortSignal): Promise<unknown> => put(store, 'tables/a', SMALL, signal),
      (signal: AbortSignal) => put(store, 'tables/a', LARGE, signal),
      (signal: AbortSignal) => store.get('tables/there', { signal }),
    ]) {
      const abort = new AbortController();
      server.fault = ({ query }) => {
        // The first part of a large one, or the only request.
        if (query.has('uploads')) return undefined;
        abort.abort(new Error('enough'));
        return fault;
      };
      await t.rejects(act(abort.signal), new Error('enough'));
    }
  }
  server.fault = () => undefined;
  t.equal(await store.get('tables/a'), undefined);
});

t.test('S3: a bucket that is not there is for an operator', async (t) => {
  const server = await startS3(t);
  const store = opened(t, s3Store({ ...server.options(), bucket: 'another' }));
  await t.rejects(put(store, 'tables/a', SMALL), { code: 'ERR_STORE_DENIED', message: /NoSuchBucket/ });
  await t.rejects(store.get('tables/a'), { code: 'ERR_STORE_DENIED', store: 's3://another/here' });
});

t.test('a URL names a store, and never has credentials', async (t) => {
  const dir = temporaryFolder(t);
  const store = openStore(pathToFileURL(dir).href);
  await put(store, 'tables/a', SMALL);
  t.ok((await get(folderStore({ dir }), 'tables/a'))?.equals(SMALL));
  t.equal(openStore('s3://bucket').name, 's3://bucket');
  t.equal(
    openStore('s3://bucket/a/b/?endpoint=https://example.org&region=eu&pathStyle=false').name,
    's3://bucket/a/b',
  );
  const bad = [
    '',
    'bucket',
    'http://bucket',
    's3://',
    's3://id:hunter2@bucket',
    's3://bucket?accessKeyId=hunter2',
    's3://bucket?endpoint=nonsense',
    's3://bucket?pathStyle=1',
    'file://elsewhere/dir',
    'file:///dir?x=1',
  ];
  for (const url of bad)
    t.throws(() => openStore(url), { code: 'ERR_INVALID_OPTION', message: /^(?!.*hunter2)/s }, url);
});

t.test('options of stores are checked', (t) => {
  const bad = [
    {},
    { bucket: '' },
    { bucket: 'a b' },
    { bucket: 'abc', endpoint: 'ftp://x' },
    { bucket: 'abc', prefix: '../x' },
    { bucket: 'abc', credentials: { accessKeyId: 'hunter2' } },
    { bucket: 'abc', timeoutMs: 0 },
    { bucket: 'abc', typo: 1 },
  ];
  for (const options of bad)
    t.throws(
      () => s3Store(options as never),
      { code: 'ERR_INVALID_OPTION', message: /^(?!.*hunter2)/s },
      JSON.stringify(options),
    );
  t.throws(() => folderStore({} as never), { code: 'ERR_INVALID_OPTION', option: 'options.dir' });
  t.end();
});
