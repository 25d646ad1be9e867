// Children of the profile `network` reach what the caller lists, and nothing else. Each is also shown without the filter
// of system calls, which then shows that the namespaces and firewalls hold by themselves.
import t from 'tap';
import type { Test } from 'tap';
import type { NetworkOptions, SandboxLayer } from '../../lib/index.js';
import { compile } from '../helpers/compile.js';
import {
  ALLOWED,
  canHaveNetworks,
  HOST,
  HOST_TOO,
  METADATA,
  NAME,
  OTHER,
  OUTSIDE_IPV6,
  PRIVATE,
  PROBES,
  TestNetwork,
} from '../helpers/network.js';
import { HostProgram } from '../helpers/host-program.js';
import {
  EVERYTHING_PUBLIC,
  startZygoteText,
  testsOnOneHost,
  type NetworkHost,
  type RunOptions,
} from '../helpers/network-host.js';

const skip = canHaveNetworks();
// Of the file as a whole.
t.setTimeout(290_000);

const test = await testsOnOneHost(t, skip);

/** A caller who lists all that is public. */
const EVERYTHING: NetworkOptions = {
  allow: EVERYTHING_PUBLIC,
  hosts: { 'metadata.test': METADATA },
};
const WEB: RunOptions = {
  network: { allow: [{ to: ALLOWED, ports: [80, 443] }], hosts: { [NAME]: ALLOWED } },
  // The certificate of the server is its own authority. Whom a child trusts is not what this is about.
  env: { NODE_TLS_REJECT_UNAUTHORIZED: '0' },
};
const NAME_SERVER: NetworkOptions = { dns: [OTHER] };
const TO_ONE: NetworkOptions = {
  allow: [
    { to: ALLOWED, ports: [81] },
    { to: ALLOWED, ports: 7, protocol: 'udp' },
  ],
};
const NAMED: NetworkOptions = {
  allowPrivate: [
    { to: '10.1.2.0/24', ports: 81 },
    { to: METADATA, ports: 81 },
    { to: HOST_TOO, ports: 81 },
  ],
};

const VARIANTS: readonly { readonly also: string; readonly off: readonly SandboxLayer[] }[] = [
  { also: 'with the filter of system calls', off: [] },
  { also: 'without the filter of system calls', off: ['syscalls'] },
];

interface Found<T> {
  readonly also: string;
  readonly off: readonly SandboxLayer[];
  readonly found: T;
}

/** What the body returns in a child with the filter of system calls, and in one without, side by side. */
async function inEach<T>(
  host: NetworkHost,
  body: string,
  options: Omit<RunOptions, 'sandbox'> = {},
): Promise<readonly Found<T>[]> {
  const found = await host.values<T>(
    VARIANTS.map(({ off }) => ({ body, options: { ...options, sandbox: { off } } })),
  );
  return VARIANTS.map((variant, i) => ({ ...variant, found: found[i] as T }));
}

/** That it returns this in each. */
async function isInEach(
  t: Test,
  host: NetworkHost,
  body: string,
  options: Omit<RunOptions, 'sandbox'>,
  wanted: unknown,
): Promise<void> {
  for (const { also, found } of await inEach(host, body, options)) t.strictSame(found, wanted, also);
}

/** What servers hear of both. */
const byEach = (line: string): readonly string[] => VARIANTS.map(() => line);

test('an allowed address and port is reached by TCP', async (t, host) => {
  await isInEach(t, host, `return tcp('${ALLOWED}', 81);`, { network: TO_ONE }, ALLOWED);
});

test('an allowed address and port is reached by UDP', async (t, host) => {
  await isInEach(t, host, `return udp('${ALLOWED}', 7);`, { network: TO_ONE }, 'x');
});

test('fetch() works by http and https', async (t, host) => {
  const body = `const get = async (url) => (await fetch(url)).text();
     return [await get('http://${NAME}/'), await get('https://${NAME}/')];`;
  for (const { also, found } of await inEach<readonly string[]>(host, body, WEB)) {
    t.match(found[0], `hello from ${ALLOWED}`, also);
    t.match(found[1], `hello from ${ALLOWED}`, also);
  }
});

test('names are looked up at the given server, by libc and by c-ares, by UDP and TCP', async (t, host, network) => {
  const body = `const dns = await import('node:dns/promises');
     return [(await dns.lookup('${NAME}')).address, await dns.resolve4('${NAME}'), await tcp('${OTHER}', 53)];`;
  // Over TCP nothing was asked, so nothing was said: but there was a connection.
  await isInEach(t, host, body, { network: NAME_SERVER }, [ALLOWED, [ALLOWED], 'no answer']);
  const line = `tcp ${OTHER}:53 from ${HOST}`;
  t.strictSame(
    network.heard.filter((each) => each === line),
    byEach(line),
  );
});

test('a name server is reached at port 53 only, and no other server at port 53', async (t, host, network) => {
  const body = `return Promise.all([tcp('${OTHER}', 80), udp('${OTHER}', 7), tcp('${ALLOWED}', 53), udp('${ALLOWED}', 53)]);`;
  const refused = ['EHOSTUNREACH', 'no answer', 'EHOSTUNREACH', 'no answer'];
  await isInEach(t, host, body, { network: NAME_SERVER }, refused);
  t.strictSame(network.heard, []);
});

test('other ports, other addresses and the other protocol are refused', async (t, host, network) => {
  const body = `return Promise.all([tcp('${ALLOWED}', 81), tcp('${OTHER}', 80), udp('${ALLOWED}', 80), udp('${OTHER}', 7)]);`;
  await isInEach(t, host, body, WEB, ['EHOSTUNREACH', 'EHOSTUNREACH', 'no answer', 'no answer']);
  t.strictSame(network.heard, []);
});

test('nothing is reached by default', async (t, host, network) => {
  const body = `return Promise.all([tcp('${ALLOWED}', 80), udp('${ALLOWED}', 7), udp('${ALLOWED}', 53)]);`;
  await isInEach(t, host, body, {}, ['EHOSTUNREACH', 'no answer', 'no answer']);
  t.strictSame(network.heard, []);
});

test('private ranges and metadata services are not reached by a list of everything', async (t, host, network) => {
  const body = `const all = [];
     for (const address of ${JSON.stringify(PRIVATE)}) all.push(tcp(address, 80), udp(address, 7));
     return Promise.all([tcp('${ALLOWED}', 81), ...all]);`;
  // The first shows that the list of everything is one.
  const wanted = [ALLOWED, ...PRIVATE.flatMap(() => ['EHOSTUNREACH', 'no answer'])];
  await isInEach(t, host, body, { network: EVERYTHING }, wanted);
  t.strictSame(network.heard, byEach(`tcp ${ALLOWED}:81 from ${HOST}`));
});

test('the metadata service is not reached under any of its disguises', async (t, host, network) => {
  const body = `const get = (url) => fetch(url, { signal: AbortSignal.timeout(WAIT) }).then(() => 'reached', () => 'refused');
     return Promise.all([
       get('http://${ALLOWED}/'),
       get('http://${METADATA}/latest/meta-data/'),
       get('http://2852039166/'),
       get('http://0xa9fea9fe/'),
       get('http://[::ffff:${METADATA}]/'),
       get('http://metadata.test/'),
     ]);`;
  await isInEach(t, host, body, { network: EVERYTHING }, ['reached', ...Array<string>(5).fill('refused')]);
  t.strictSame(network.heard, byEach(`http ${ALLOWED}:80 from ${HOST}`));
});

test('a private address is reached once it is named, and its neighbour is not', async (t, host) => {
  const body = `return Promise.all([tcp('10.1.2.3', 81), tcp('10.1.2.3', 80), tcp('172.16.5.6', 81), tcp('${METADATA}', 81)]);`;
  const wanted = ['10.1.2.3', 'EHOSTUNREACH', 'EHOSTUNREACH', METADATA];
  await isInEach(t, host, body, { network: NAMED }, wanted);
});

test("no address of the host's own is reached, loopback neither", async (t, host, network) => {
  const body = `return Promise.all([tcp('${HOST}', 81), tcp('${HOST_TOO}', 81), tcp('127.0.0.1', 81),
       udp('${HOST}', 7), udp('${HOST_TOO}', 7), tcp('127.0.0.2', 81), tcp('0.0.0.0', 81)]);`;
  const wanted = ['EHOSTUNREACH', 'EHOSTUNREACH', 'ECONNREFUSED', 'no answer', 'no answer'];
  for (const { also, found } of await inEach<readonly string[]>(host, body, { network: EVERYTHING })) {
    t.strictSame(found.slice(0, 5), wanted, also);
    t.notMatch(found, [HOST], also);
  }
  t.strictSame(network.heard, []);
});

test("an address of the host's own is reached once it is named", async (t, host) => {
  const body = `return Promise.all([tcp('${HOST_TOO}', 81), tcp('${HOST_TOO}', 80), tcp('${HOST}', 81)]);`;
  await isInEach(t, host, body, { network: NAMED }, [HOST_TOO, 'EHOSTUNREACH', 'EHOSTUNREACH']);
});

test('what the host puts behind an allowed address is not reached', async (t, host, network) => {
  network.inHost(
    'nft',
    `table ip published {
      chain in { type nat hook prerouting priority dstnat;
        ip daddr ${OTHER} tcp dport 80 dnat to 10.1.2.3:81;
        ip daddr ${OTHER} tcp dport 81 redirect to :8080;
        ip daddr ${HOST} tcp dport 80 dnat to 10.1.2.3:81;
      }
    }
`,
  );
  t.teardown(() => network.inHost('nft', 'delete table ip published'));
  const body = `return Promise.all([tcp('${OTHER}', 80), tcp('${OTHER}', 81), tcp('${HOST}', 80)]);`;
  // Our link has no address that it could be redirected to, so the host drops that one itself.
  await isInEach(t, host, body, { network: EVERYTHING }, ['EHOSTUNREACH', 'no answer', 'EHOSTUNREACH']);
  t.strictSame(network.heard, []);
});

test("children have an address each, and don't reach each other or the router", async (t, host) => {
  // Each listens by UDP, and tells the others at the address that it has: the first children of a zygote have addresses
  // that differ in the last number.
  const body = `const own = await new Promise((resolve) => {
      const socket = dgram.createSocket('udp4');
      socket.connect(7, '${ALLOWED}', () => { resolve(socket.address().address); socket.close(); });
    });
    const heard = [];
    const listener = dgram.createSocket('udp4');
    listener.on('message', (message, peer) => heard.push(peer.address));
    await new Promise((resolve) => listener.bind(5000, '0.0.0.0', resolve));
    const [first, second, third] = own.split('.').map(Number);
    const tried = [];
    for (let i = 1; i <= 255; i++) tried.push([first, second, third, i].join('.'));
    const sender = dgram.createSocket('udp4');
    sender.on('error', () => {});
    const until = Date.now() + WAIT;
    while (Date.now() < until) {
      for (const address of tried) sender.send('x', 5000, address, () => {});
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    sender.close(); listener.close();
    return { own, tried, heard: heard.filter((peer) => peer !== own), heardSelf: heard.includes(own) };`;
  const jobs = VARIANTS.flatMap(({ off }) =>
    Array.from({ length: 3 }, () => ({ body, options: { network: EVERYTHING, sandbox: { off } } })),
  );
  const all = await host.values<{ own: string; tried: string[]; heard: string[]; heardSelf: boolean }>(jobs);
  for (const [i, { also }] of VARIANTS.entries()) {
    const values = all.slice(3 * i, 3 * i + 3);
    const addresses = values.map(({ own }) => own);
    t.equal(new Set(addresses).size, 3, also);
    for (const { tried } of values)
      t.ok(addresses.every((address) => tried.includes(address)), `each has been tried, ${also}`); // prettier-ignore
    // That it heard itself shows that it was listening.
    t.strictSame(
      values.map(({ heard, heardSelf }) => ({ heard, heardSelf })),
      Array(3).fill({ heard: [], heardSelf: true }),
      also,
    );
  }
});

test('there is no IPv6', async (t, host, network) => {
  const body = `return Promise.all([tcp('${OUTSIDE_IPV6}', 81), udp('${OUTSIDE_IPV6}', 7), tcp('fd00:ec2::254', 80), tcp('64:ff9b::a01:203', 81)]);`;
  for (const { also, off, found } of await inEach(host, body, { network: EVERYTHING })) {
    const refused = off.includes('syscalls') ? 'ENETUNREACH' : 'EAFNOSUPPORT';
    t.strictSame(found, Array(4).fill(refused), also);
  }
  t.strictSame(network.heard, []);
});

const socketAddon = compile(t, 'socket-addon', 'addon');
const SOCKET = `const { socket } = (await import(${JSON.stringify(socketAddon)})).default;`;

const RAW = { 'raw IPv4': [2, 3, 1], packet: [17, 3, 768], vsock: [40, 1, 0] } as const;
for (const [name, numbers] of Object.entries(RAW)) {
  test(`a ${name} socket kills the child`, async (t, host) => {
    const body = `${SOCKET} return socket(${numbers.join()});`;
    const [run] = await host.run([{ body, options: { preload: [socketAddon] } }]);
    t.match(run?.failed, { status: 'forbidden', syscall: 'socket' });
  });
}

test('without the filter of system calls, raw sockets need a capability that children lack', async (t, host) => {
  const body = `${SOCKET} return [socket(2, 3, 1), socket(17, 3, 768), socket(2, 1, 0)];`;
  const EPERM = 1;
  const found = await host.value(body, { sandbox: { off: ['syscalls'] }, preload: [socketAddon] });
  t.strictSame(found, [EPERM, EPERM, 0]);
});

test('other sockets are refused: of other families, and of other protocols', async (t, host) => {
  const body = `${SOCKET}
    return [[1, 1, 0], [10, 1, 0], [16, 3, 0], [2, 1, 262], [2, 2, 1], [2, 5, 132], [38, 5, 0], [44, 3, 0]].filter((each) => socket(...each) === 0);`;
  t.strictSame(await host.value(body, { preload: [socketAddon] }), []);
});

// What follows can only be tried by a child that has the capabilities for it.
const POWERFUL = { off: ['syscalls', 'capabilities', 'user', 'files', 'limits'] as const };
const SHELL = `const { execFileSync } = await import('node:child_process');
  const ip = (...args) => execFileSync('ip', args, { env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' }, stdio: 'pipe' });
  const own = String(ip('-4', '-br', 'address', 'show', 'eth0')).match(/[0-9.]+(?=\\/32)/)[0];`;

test('what pretends to come from another address is dropped', async (t, host, network) => {
  const found = await host.value(
    `${SHELL}
     const pretended = ['198.18.255.254', own.replace(/\\d+$/, (last) => String((Number(last) + 1) % 256)), '${HOST}', '10.9.9.9'];
     for (const address of pretended) ip('address', 'add', address + '/32', 'dev', 'eth0');
     return Promise.all([udp('${ALLOWED}', 7, own), ...pretended.map((address) => udp('${ALLOWED}', 7, address))]);`,
    { network: EVERYTHING, sandbox: POWERFUL },
  );
  t.strictSame(found, ['x', ...Array<string>(4).fill('no answer')]);
  t.strictSame(network.heard, [`udp ${ALLOWED}:7 from ${HOST}`]);
});

test('a child that takes an IPv6 address and a route is not let through', async (t, host, network) => {
  const found = await host.value(
    `${SHELL}
     ip('address', 'add', '2620:4f:8000::99/64', 'dev', 'eth0', 'nodad');
     ip('route', 'add', 'default', 'dev', 'eth0');
     return Promise.all([tcp('${OUTSIDE_IPV6}', 81), udp('${OUTSIDE_IPV6}', 7), tcp('${ALLOWED}', 81)]);`.replace(
      `'route', 'add'`,
      `'-6', 'route', 'add'`,
    ),
    { network: EVERYTHING, sandbox: POWERFUL },
  );
  t.strictSame(found, ['no answer', 'no answer', ALLOWED]);
  t.strictSame(network.heard, [`tcp ${ALLOWED}:81 from ${HOST}`]);
});

test('a child has no more connections at a time than it may', async (t, host) => {
  const body = `const hold = () => new Promise((resolve) => {
      const socket = net.connect({ host: '${ALLOWED}', port: 81 });
      socket.on('data', () => resolve('open'));
      socket.on('error', (error) => resolve(error.code));
    });
    const found = [];
    for (let i = 0; i < 6; i++) found.push(await hold());
    return found;`;
  const found = await host.value(body, { network: { ...EVERYTHING, maxConnections: 4 } });
  t.strictSame(found, ['open', 'open', 'open', 'open', 'EHOSTUNREACH', 'EHOSTUNREACH']);
});

t.test('the host forgets a connection that is silent for too long', { skip }, async (t) => {
  // Of its own: the host's table of connections would have those of other tests.
  const network = await TestNetwork.make(t);
  const code = `${PROBES}\nexport default async () => {
    const socket = net.connect({ host: '${ALLOWED}', port: 81 });
    await new Promise((resolve) => socket.once('data', resolve));
    console.log('open');
    await new Promise(() => {});
  };`;
  const host = new HostProgram(
    t,
    `${startZygoteText({ network: { ...EVERYTHING, connectionIdleMs: 300_000 } })}
    const child = await zygote.spawn(${JSON.stringify(code)});
    child.result.catch(() => {});
    child.stdout.once('data', () => say('open'));
    setInterval(() => {}, 1000);`,
    { through: network.through },
  );
  await host.next();
  const [, seconds] = /tcp +6 (\d+) ESTABLISHED/.exec(network.inHost('cat', '/proc/net/nf_conntrack')) ?? [];
  t.ok(Number(seconds) > 0 && Number(seconds) <= 300, `it has ${seconds} s`);
});
