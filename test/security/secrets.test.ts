// A secret of the host's is nowhere that a child can look: its memory above all, which is a copy of the zygote's.
import { randomBytes } from 'node:crypto';
import { closeSync, mkdirSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import path from 'node:path';
import t from 'tap';
import { HostProgram } from '../helpers/host-program.js';
import { buildRaw, hostFolder, HOST_TMP, Lab, only, SYSTEM_CALLS } from '../helpers/security/lab.js';
import { NO_SANDBOX } from '../helpers/zygote.js';

const addon = buildRaw(t);

const { ENOSYS } = constants.errno;
/** Which Node has no name for. */
const ENOKEY = 126;

const MASK = 0x5a;

/** So that a child can be asked for it without being told it. */
function masked(secret: string): Uint8Array {
  return Uint8Array.from(Buffer.from(secret), (byte) => byte ^ MASK);
}

/** Looks for it everywhere. `raw.search()` looks through all of its own memory that can be read. */
const SEARCH = `
  // First, since whatever is read from a file is in memory from then on.
  const { masked, mask } = params;
  const inMemory = raw.search(Buffer.from(masked), mask);
  const isThere = (bytes) => {
    const last = bytes.length - masked.length;
    search: for (let at = 0; at <= last; at++) {
      for (let i = 0; i < masked.length; i++) if ((bytes[at + i] ^ mask) !== masked[i]) continue search;
      return true;
    }
    return false;
  };
  const found = [], looked = { files: 0, links: 0 };
  const look = (file) => {
    try {
      const bytes = Buffer.alloc(1 << 20);
      const fd = fs.openSync(file, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
      const length = fs.readSync(fd, bytes, 0, bytes.length, 0);
      fs.closeSync(fd);
      looked.files++;
      if (isThere(bytes.subarray(0, length))) found.push(file);
    } catch {}
  };
  const walk = (folder, depth = 0) => {
    let names = [];
    try { names = fs.readdirSync(folder, { withFileTypes: true }); } catch { return; }
    for (const entry of names) {
      const file = (folder === '/' ? '' : folder) + '/' + entry.name;
      if (isThere(Buffer.from(file))) found.push('the name of ' + file);
      if (entry.isSymbolicLink()) {
        try { looked.links++; if (isThere(Buffer.from(fs.readlinkSync(file)))) found.push('the target of ' + file); } catch {}
        if (depth < 4 && !/\\/(root|cwd|exe|self|thread-self)$/.test(file)) look(file);
      } else if (entry.isDirectory()) { if (depth < 6 && !/\\/(map_files|task)$/.test(file)) walk(file, depth + 1); }
      else if (!file.startsWith('/dev/')) look(file);
    }
  };
  if (params.walk) walk('/');
  for (const name of ['environ', 'cmdline', 'auxv', 'mountinfo', 'maps', 'comm', 'cgroup']) look('/proc/self/' + name);
  const inObjects = [process.env, process.argv, process.execArgv, process.config, process.title, process.report.getReport?.() ?? '']
    .some((value) => isThere(Buffer.from(JSON.stringify(value) ?? '')));
  return { found, looked, inObjects, inMemory };`;

interface Found {
  readonly found: string[];
  readonly looked: { files: number; links: number };
  readonly inObjects: boolean;
  readonly inMemory: number;
}

async function searched(lab: Lab, secret: string): Promise<Found> {
  // Without the layer files there is the whole disk of the host, in which it may well be.
  const walk = lab.zygote.sandbox.layers.includes('files');
  const params = { masked: masked(secret), mask: MASK, walk };
  return (await lab.value(SEARCH, params, { timeoutMs: 120_000 })) as Found;
}

t.test('what is searched for is found where it is: in memory, in the environment, in a file', async (t) => {
  const secret = randomBytes(24).toString('base64url');
  const lab = await Lab.start(t, addon, {}, { env: { SECRET: secret } });
  const told = await searched(lab, secret);
  t.ok(told.inMemory > 0, 'in memory');
  t.equal(told.inObjects, true, 'in process.env');
  const folder = hostFolder(t);
  writeFileSync(path.join(folder, 'file'), secret);
  const listed = await Lab.start(t, addon, { files: [folder] });
  t.strictSame((await searched(listed, secret)).found, [path.join(folder, 'file')]);
});

t.test(
  "no child finds what is in the host's environment, arguments, heap, open files, and files",
  async (t) => {
    const secret = randomBytes(24).toString('base64url');
    const folder = path.join(HOST_TMP, `nodespawner-${secret}`);
    mkdirSync(folder);
    const file = path.join(folder, secret);
    writeFileSync(file, secret);
    const fd = openSync(file, 'r');
    t.teardown(() => {
      closeSync(fd);
      rmSync(folder, { recursive: true });
    });
    // Everything that the host does with it happens before there is a zygote, and while there is one.
    for (const sandbox of [{}, { off: only('files') }, NO_SANDBOX]) {
      const options = { preload: [], sandbox: { ...sandbox, files: [path.dirname(addon)] } };
      const host = new HostProgram(
        t,
        `import { openSync, readFileSync } from 'node:fs';
       const secret = process.env.SECRET;
       const heap = [secret + '!', { secret }, Buffer.from(secret), [...secret]];
       const open = openSync(${JSON.stringify(file)});
       const text = readFileSync(open, 'utf8');
       const zygote = await Zygote.start(${JSON.stringify(options)});
       process.title = secret;
       const child = await zygote.spawn(process.env.CODE, { params: JSON.parse(process.env.PARAMS) }, { timeoutMs: 120_000 });
       const { status, value, ...rest } = await child.result;
       say({ status, value, kept: heap.length + text.length, rest });
       await zygote.close();`,
        {
          env: {
            SECRET: secret,
            CODE: codeOf(SEARCH),
            PARAMS: JSON.stringify({ masked: [...masked(secret)], mask: MASK, walk: sandbox !== NO_SANDBOX }),
          },
          flags: [`--title=${secret}`],
          inherited: [fd],
        },
      );
      const { status, value } = await host.next<{ status: string; value: Found }>();
      const what = JSON.stringify(sandbox);
      t.equal(status, 'ok', what);
      t.equal(value.inMemory, 0, `${what}: nowhere in memory`);
      t.equal(value.inObjects, false, what);
      t.strictSame(value.found, [], what);
      await host.end();
    }
  },
);

t.test(
  'no child finds what another was told: its code, its params, its environment, its arguments, its tables',
  async (t) => {
    const secret = randomBytes(24).toString('base64url');
    for (const sandbox of [{}, NO_SANDBOX]) {
      const lab = await Lab.start(t, addon, sandbox, { preload: ['apache-arrow'] });
      const tell = async (): Promise<unknown> =>
        lab.value(
          `const kept = [params, '${secret}', process.argv, process.env]; console.log(kept);
         if (params.hasOwnTmp) fs.writeFileSync('/tmp/nodespawner-test', params.text);
         globalThis.secret = Buffer.from(params.text); return { value: params.text };`,
          {
            text: secret,
            long: secret.repeat(100_000),
            // Without the layer files it is the host's, and others may look.
            hasOwnTmp: lab.zygote.sandbox.layers.includes('files'),
          },
          {
            env: { SECRET: secret },
            argv: [secret],
            filename: `${secret}.js`,
            tables: { table: await tableOf(secret) },
            stdout: 'capture',
          },
        );
      await tell();
      const living = await lab.spawn(
        `const kept = params; console.log(1); await sleep(60_000); return kept;`,
        { text: secret.repeat(100) },
        { stdout: 'pipe', env: { SECRET: secret } },
      );
      await new Promise((resolve) => living.stdout!.once('data', resolve));
      const at = await Promise.all([searched(lab, secret), tell()]);
      for (const told of [at[0], await searched(lab, secret)]) {
        t.equal(told.inMemory, 0);
        t.equal(told.inObjects, false);
        t.strictSame(told.found, []);
      }
      living.kill();
    }
  },
);

t.test(
  'a child sees through /proc/self/mem what it sees by itself: its own memory, without a secret',
  async (t) => {
    const secret = randomBytes(24).toString('base64url');
    process.env.NODESPAWNER_TEST_SECRET = secret;
    t.teardown(() => delete process.env.NODESPAWNER_TEST_SECRET);
    const lab = await Lab.start(t, addon, { off: ['dumpable'], profile: 'exec' });
    const code = `
    const { masked, mask } = params;
    const fd = fs.openSync('/proc/self/mem');
    let hits = 0, bytes = 0;
    const first = masked[0] ^ mask;
    for (const line of lines('/proc/self/maps')) {
      const [, from, to, mode] = /^(\\w+)-(\\w+) (\\S+)/.exec(line);
      if (!mode.startsWith('r') || /\\[v/.test(line)) continue;
      const start = BigInt('0x' + from), end = BigInt('0x' + to), chunk = Buffer.alloc(1 << 20);
      for (let at = start; at < end; at += BigInt(chunk.length - masked.length)) {
        let length = 0;
        try { length = fs.readSync(fd, chunk, 0, Number(end - at < chunk.length ? end - at : chunk.length), at); } catch { break; }
        bytes += length;
        for (let i = chunk.indexOf(first); i >= 0 && i < length; i = chunk.indexOf(first, i + 1)) {
          let same = 1;
          while (same < masked.length && i + same < length && (chunk[i + same] ^ mask) === masked[same]) same++;
          if (same === masked.length) hits++;
        }
        if (length < masked.length) break;
      }
    }
    return { hits, enough: bytes > 50 * 2 ** 20 };`;
    t.strictSame(await lab.value(code, { masked: masked(secret), mask: MASK }, { timeoutMs: 120_000 }), {
      hits: 0,
      enough: true,
    });
  },
);

t.test("no child has the host's session keyring, whatever the filter says", async (t) => {
  const raw = createRequire(import.meta.url)(addon) as { call(...args: unknown[]): number };
  const text = (string: string): Buffer => Buffer.from(`${string}\0`);
  const [KEY_SPEC_SESSION_KEYRING, KEYCTL_UNLINK, KEYCTL_SEARCH, KEYCTL_READ] = [-3, 9, 10, 11];
  const name = `nodespawner-${process.pid}`;
  const { add_key: addKey, keyctl } = SYSTEM_CALLS;
  const key = raw.call(addKey, text('user'), text(name), text('secret'), 6, KEY_SPEC_SESSION_KEYRING);
  if (key === -ENOSYS) {
    t.pass('this kernel has no keys');
    return;
  }
  t.ok(key > 0);
  t.teardown(() => raw.call(keyctl, KEYCTL_UNLINK, key, KEY_SPEC_SESSION_KEYRING));
  t.equal(raw.call(keyctl, KEYCTL_SEARCH, KEY_SPEC_SESSION_KEYRING, text('user'), text(name), 0), key);
  const code = `
    const found = sys('keyctl', params.KEYCTL_SEARCH, params.KEY_SPEC_SESSION_KEYRING, text('user'), text(params.name), 0);
    return [found, sys('keyctl', params.KEYCTL_READ, typeof found === 'number' ? found : params.key, Buffer.alloc(10), 10)];`;
  const params = { KEY_SPEC_SESSION_KEYRING, KEYCTL_SEARCH, KEYCTL_READ, name, key };
  const [found] = (await (await Lab.start(t, addon, NO_SANDBOX)).value(code, params)) as unknown[];
  t.equal(found, -ENOKEY, 'without any layer, as root');
  const other = await Lab.start(t, addon, { off: only('user') });
  t.strictSame(
    await other.value(code, params),
    [-ENOKEY, -ENOKEY],
    'with ids of its own, by its number neither',
  );
});

t.test('a child has the environment that it is given, and none of the host', async (t) => {
  const lab = await Lab.start(t, addon, {}, { env: { GIVEN: 'to all' } });
  t.strictSame(await lab.value('return { ...process.env }'), { GIVEN: 'to all' });
  t.strictSame(await lab.value('return { ...process.env }', undefined, { env: { OWN: '1' } }), { OWN: '1' });
});

async function tableOf(text: string) {
  const { tableFromArrays } = await import('apache-arrow');
  return tableFromArrays({ text: [text, text] });
}

/** The attack as a whole module, for hosts that have no Lab. */
function codeOf(body: string): string {
  return `
const fs = require('node:fs');
const raw = ((module) => (process.dlopen(module, ${JSON.stringify(addon)}), module.exports))({ exports: {} });
module.exports = async ({ params }) => { ${body} };`;
}
