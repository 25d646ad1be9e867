// The layer `network`: a namespace with no interface that is up. And that of system calls: no socket in the first place.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, fstatSync, openSync, readlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import t, { type Test } from 'tap';
import { buildRaw, hostFolder, Lab, only } from '../helpers/security/lab.js';

const addon = buildRaw(t);
const lab = await Lab.start(t, addon);
/** Sockets can be made, in a namespace of its own. */
const namespace = await Lab.start(t, addon, { off: only('network') });
/** The host's own network, and no call to use it. */
const filter = await Lab.start(t, addon, { off: only('syscalls') });

/** A server of the host's, on every kind of local address. */
async function listen(where: string | number): Promise<string | number> {
  const server = createServer((socket) => socket.on('error', () => undefined).end('host'));
  await new Promise<void>((resolve) => {
    if (typeof where === 'number') server.listen(where, '127.0.0.1', resolve);
    else server.listen(where, resolve);
  });
  t.teardown(() => server.close());
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : where;
}

const port = await listen(0);
const abstract = `\0nodespawner-test-${process.pid}`;
await listen(abstract);

const CONNECT = `
  const net = require('node:net');
  const connect = (where) => new Promise((resolve) => {
    const socket = net.connect(where, () => resolve('connected'));
    socket.on('error', (error) => resolve(error.code));
  });`;

t.test("the network namespace of a child is neither the host's nor a sibling's", async (t) => {
  for (const from of [lab, namespace]) {
    const children = await Promise.all(
      [1, 2].map(() => from.spawn('console.log(1); await sleep(10_000)', undefined, { stdout: 'pipe' })),
    );
    for (const child of children) await new Promise((resolve) => child.stdout!.once('data', resolve));
    const spaces = children.map(({ pid }) => readlinkSync(`/proc/${pid}/ns/net`));
    t.equal(new Set([...spaces, readlinkSync('/proc/self/ns/net')]).size, 3);
    // Its interfaces: only that to itself, and not even that is up.
    for (const { pid } of children) {
      const all = execFileSync('cat', [`/proc/${pid}/net/dev`], { encoding: 'utf8' })
        .trim()
        .split('\n')
        .slice(2);
      t.ok(
        all.every((line) => /^\s*(lo|sit0|tunl0|gre0|gretap0|erspan0|ip_vti0|ip6\w+):/.test(line)),
        all.join(),
      );
      t.notOk(
        all.some((line) => /:\s*[1-9]/.test(line)),
        'nothing was ever received',
      );
      t.equal(
        execFileSync('cat', [`/proc/${pid}/net/route`], { encoding: 'utf8' })
          .trim()
          .split('\n').length,
        1,
      );
    }
    for (const child of children) child.kill();
  }
});

/** The network namespaces of `count` children, one after the other. Held, so that the kernel gives no number twice. */
async function held(t: Test, from: Lab, count: number): Promise<number[]> {
  const found: number[] = [];
  for (let i = 0; i < count; i++) {
    const fd = await from.seen((pid) => openSync(`/proc/${pid}/ns/net`, 'r'));
    t.teardown(() => {
      closeSync(fd);
    });
    found.push(fstatSync(fd).ino);
  }
  return found;
}

t.test('where a child can put nothing into its namespace, a later one has it', async (t) => {
  const spaces = await held(t, lab, 20);
  t.ok(new Set(spaces).size < spaces.length, 'one is used again');
});

t.test('where it can, no other child ever has it', async (t) => {
  const spaces = await held(t, namespace, 8);
  t.equal(new Set(spaces).size, spaces.length);
});

t.test('a child that finds a socket in its namespace is none', async (t) => {
  // Without children that are cloned ahead of demand: what befalls those, nobody is told.
  const demand = await Lab.start(t, addon, {}, { pool: { min: 0, max: 0 } });
  // A program of the host's, in the namespace of a child that is gone.
  const script = `require('node:net').createServer().listen('\\0left', () => console.log('listens'))`;
  const enter = (pid: number): string[] => [
    ...[`--target=${pid}`, '--user', '--net', '--preserve-credentials'],
    ...[process.execPath, '-e', script],
  ];
  const child = await demand.spawn('console.log(1); await sleep(60_000)', undefined, { stdout: 'pipe' });
  await once(child.stdout!, 'data');
  const left = spawn('nsenter', enter(child.pid), { stdio: ['ignore', 'pipe', 'inherit'] });
  const over = once(left, 'exit');
  try {
    await once(left.stdout, 'data');
    child.kill();
    await child.result;
    // More than there can be spare: one of them gets it.
    let outcome = 'ok';
    for (let i = 0; i < 20 && outcome === 'ok'; i++) {
      outcome = await demand.attack('return 1').then(
        ({ status }) => status,
        (error: unknown) => String(error),
      );
    }
    t.match(outcome, /verify: a socket is in the network namespace/);
  } finally {
    left.kill();
    await over;
  }
  t.ok(await demand.works());
});

t.test('the namespace alone: no address is reachable, not even its own', async (t) => {
  const code = `${CONNECT}
    const dgram = require('node:dgram');
    const send = (to) => new Promise((resolve) => { const s = dgram.createSocket('udp4'); s.send('x', 53, to, (error) => { s.close(); resolve(error?.code ?? 'sent'); }); });
    return {
      interfaces: Object.keys(os.networkInterfaces()),
      tcp: await Promise.all([params.port, { host: '127.0.0.1', port: 1 }, { host: '169.254.169.254', port: 80 }, { host: '10.0.0.1', port: 80 }, { host: '::1', port: params.port }].map(connect)),
      udp: await Promise.all(['127.0.0.1', '8.8.8.8', '255.255.255.255'].map(send)),
      abstract: await connect({ path: params.abstract }),
    };`;
  const told = (await namespace.value(code, { port, abstract })) as Record<string, string[]>;
  t.strictSame(told.interfaces, []);
  for (const error of told.tcp!)
    t.ok(['ENETUNREACH', 'EADDRNOTAVAIL', 'ECONNREFUSED'].includes(error), error);
  for (const error of told.udp!) t.ok(['ENETUNREACH', 'EACCES'].includes(error), error);
  t.equal(told.abstract, 'ECONNREFUSED', 'abstract names belong to the namespace');
});

t.test('the namespace alone: siblings do not find each other by abstract names', async (t) => {
  const serve = `
    const net = require('node:net');
    const server = net.createServer((socket) => socket.end('sibling'));
    await new Promise((resolve) => server.listen(params, resolve));
    console.log(1);
    await sleep(10_000);`;
  const name = '\0nodespawner-sibling';
  const server = await namespace.spawn(serve, name, { stdout: 'pipe' });
  await new Promise((resolve) => server.stdout!.once('data', resolve));
  t.equal(await namespace.value(`${CONNECT} return connect({ path: params })`, name), 'ECONNREFUSED');
  server.kill();
});

t.test(
  'what listens on the host is reachable where nothing is confined: so the above says something',
  async (t) => {
    const without = await Lab.start(t, addon, { off: only() });
    const code = `${CONNECT} return [await connect(params.port), await connect({ path: params.abstract })]`;
    t.strictSame(await without.value(code, { port, abstract }), ['connected', 'connected']);
  },
);

t.test('the filter alone: no socket of any family and type, of any kind of call', async (t) => {
  const code = `
    const made = [];
    for (let family = 0; family <= 48; family++)
      for (const type of [1, 2, 3, 4, 5, 6, 10, 1 | 0o2000000]) {
        const error = sys('socket', family, type, 0);
        if (error !== 'EPERM') made.push([family, type, error]);
      }
    return {
      made,
      pair: sys('socketpair', 1, 1, 0, Buffer.alloc(8)),
      others: ['connect', 'bind', 'listen', 'accept', 'accept4', 'getsockname', 'getpeername', 'getsockopt', 'setsockopt', 'sendto', 'recvfrom', 'sendmmsg', 'recvmmsg', 'shutdown']
        .filter((name) => name in NUMBERS).map((name) => sys(name, 0, 0, 0, 0, 0, 0)),
    };`;
  for (const from of [filter, lab]) {
    const told = (await from.value(code)) as Record<string, unknown>;
    t.strictSame(told.made, []);
    t.equal(told.pair, 'EPERM');
    t.strictSame(new Set(told.others as string[]), new Set(['EPERM']));
  }
});

t.test('in the profile exec, a pair of local sockets and no other', async (t) => {
  const exec = await Lab.start(t, addon, { profile: 'exec' });
  const code = `
    const pair = Buffer.alloc(8);
    return [
      sys('socketpair', 1, 1, 0, pair),
      ...[2, 10, 16, 17, 40].map((family) => sys('socketpair', family, 1, 0, Buffer.alloc(8))),
      ...[1, 2, 10, 16, 17].map((family) => sys('socket', family, 1, 0)),
      sys('connect', pair.readInt32LE(0), Buffer.from([1, 0, 0, 0x61]), 4),
      sys('bind', pair.readInt32LE(0), Buffer.from([1, 0, 0, 0x61]), 4),
    ];`;
  const [pair, ...others] = (await exec.value(code)) as unknown[];
  t.equal(pair, 0);
  for (const error of others) t.ok(error === 'EPERM' || error === 'ENOSYS', String(error));
});

t.test('a local socket of the host is no way out, even if it is listed', async (t) => {
  const folder = hostFolder(t);
  const socket = path.join(folder, 'socket');
  await listen(socket);
  execFileSync('chmod', ['777', socket]);
  const own = await Lab.start(t, addon, { files: [folder] });
  t.equal(await own.value(`${CONNECT} return connect({ path: params })`, socket), 'EPERM');
});

t.test("all of Node's ways to the network fail, and none of them ends the child", async (t) => {
  const code = `
    const fail = (promise) => promise.then(() => 'worked', (error) => error.cause?.code ?? error.code ?? error.errors?.[0]?.code ?? error.message);
    const on = (emitter) => new Promise((resolve, reject) => { emitter.on('error', reject); for (const event of ['connect', 'response', 'listening']) emitter.on(event, resolve); });
    const net = require('node:net'), http = require('node:http'), https = require('node:https'), http2 = require('node:http2'), tls = require('node:tls'), dgram = require('node:dgram'), dns = require('node:dns');
    return Object.fromEntries(await Promise.all(Object.entries({
      connect: on(net.connect(params, '127.0.0.1')),
      listen: on(net.createServer().listen(0)),
      listenLocal: on(net.createServer().listen('/tmp/socket')),
      http: on(http.get('http://127.0.0.1:' + params)),
      https: on(https.get('https://127.0.0.1:' + params)),
      tls: on(tls.connect(params)),
      http2: on(http2.connect('http://127.0.0.1:' + params)),
      udp: on(dgram.createSocket('udp4').bind(0)),
      fetch: fetch('http://127.0.0.1:' + params),
      resolve: dns.promises.resolve('localhost.example'),
      lookup: dns.promises.lookup('nodejs.org'),
    }).map(async ([name, promise]) => [name, await fail(promise)])));`;
  const told = (await lab.value(code, port)) as Record<string, string>;
  for (const [name, outcome] of Object.entries(told)) t.not(outcome, 'worked', `${name}: ${outcome}`);
  t.equal(Object.keys(told).length, 11);
});

t.test('the inspector opens no port', async (t) => {
  const code = `const inspector = require('node:inspector'); attempt(() => inspector.open(0, '127.0.0.1')); return inspector.url() ?? null`;
  const result = await lab.attack(code, undefined, { timeoutMs: 10_000 });
  if (result.status === 'ok') t.equal(result.value, null);
  else t.ok(['exited', 'threw', 'signaled'].includes(result.status), result.status);
});

t.test('programs that a child starts have no network either', async (t) => {
  const exec = await Lab.start(t, addon, {
    profile: 'exec',
    files: ['/bin', '/usr', '/lib', '/lib64'],
    off: only('syscalls'),
  });
  const code = `
    const { spawnSync } = require('node:child_process');
    const { status, stderr } = spawnSync('/bin/bash', ['-c', 'exec 3<>/dev/tcp/127.0.0.1/' + params], { encoding: 'utf8' });
    return [status, stderr];`;
  const [status, stderr] = (await exec.value(code, port)) as [number, string];
  t.equal(status, 1);
  t.match(stderr, /Operation not permitted/);
});
