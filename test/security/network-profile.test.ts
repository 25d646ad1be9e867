// Children of the profile `network` reach what the caller lists, and nothing else. Each is also shown without the filter
// of system calls, which then shows that the namespaces and firewalls hold by themselves.
import t from 'tap';
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
import { runInChild, runInChildren, startZygoteText } from '../helpers/network-host.js';

const skip = canHaveNetworks();
// Of the file as a whole.
t.setTimeout(290_000);

/** A caller who lists all that is public. */
const EVERYTHING: NetworkOptions = {
  allow: [
    { to: '0.0.0.0/0', ports: '1-65535' },
    { to: '0.0.0.0/0', ports: '1-65535', protocol: 'udp' },
  ],
};
const WEB: NetworkOptions = { allow: [{ to: ALLOWED, ports: 80 }] };

const VARIANTS: readonly { readonly also: string; readonly off: readonly SandboxLayer[] }[] = [
  { also: '', off: [] },
  { also: ', without the filter of system calls', off: ['syscalls'] },
];

for (const { also, off } of VARIANTS) {
  const sandbox = { off };

  t.test(`an allowed address and port is reached by TCP${also}`, { skip }, async (t) => {
    const network = await TestNetwork.make(t);
    const options = { network: { allow: [{ to: ALLOWED, ports: [81] }] }, sandbox };
    t.equal(await runInChild(t, network, `return tcp('${ALLOWED}', 81);`, options), ALLOWED);
  });

  t.test(`an allowed address and port is reached by UDP${also}`, { skip }, async (t) => {
    const network = await TestNetwork.make(t);
    const options = { network: { allow: [{ to: ALLOWED, ports: 7, protocol: 'udp' as const }] }, sandbox };
    t.equal(await runInChild(t, network, `return udp('${ALLOWED}', 7);`, options), 'x');
  });

  t.test(`fetch() works by http and https${also}`, { skip }, async (t) => {
    const network = await TestNetwork.make(t);
    const [http, https] = await runInChild<readonly string[]>(
      t,
      network,
      `const get = async (url) => (await fetch(url)).text();
       return [await get('http://${NAME}/'), await get('https://${NAME}/')];`,
      {
        network: { allow: [{ to: ALLOWED, ports: [80, 443] }], hosts: { [NAME]: ALLOWED } },
        sandbox,
        // The certificate is its own authority. Whom a child trusts is not what this is about.
        env: { NODE_TLS_REJECT_UNAUTHORIZED: '0' },
      },
    );
    t.match(http, `hello from ${ALLOWED}`);
    t.match(https, `hello from ${ALLOWED}`);
  });

  t.test(
    `names are looked up at the given server, by libc and by c-ares, by UDP and TCP${also}`,
    { skip },
    async (t) => {
      const network = await TestNetwork.make(t);
      const found = await runInChild(
        t,
        network,
        `const dns = await import('node:dns/promises');
       return [(await dns.lookup('${NAME}')).address, await dns.resolve4('${NAME}'), await tcp('${OTHER}', 53)];`,
        { network: { dns: [OTHER] }, sandbox },
      );
      // Over TCP nothing was asked, so nothing was said: but there was a connection.
      t.strictSame(found, [ALLOWED, [ALLOWED], 'no answer']);
      t.ok(network.heard.includes(`tcp ${OTHER}:53 from ${HOST}`));
    },
  );

  t.test(
    `a name server is reached at port 53 only, and no other server at port 53${also}`,
    { skip },
    async (t) => {
      const network = await TestNetwork.make(t);
      const found = await runInChild(
        t,
        network,
        `return Promise.all([tcp('${OTHER}', 80), udp('${OTHER}', 7), tcp('${ALLOWED}', 53), udp('${ALLOWED}', 53)]);`,
        { network: { dns: [OTHER] }, sandbox },
      );
      t.strictSame(found, ['EHOSTUNREACH', 'no answer', 'EHOSTUNREACH', 'no answer']);
      t.strictSame(network.heard, []);
    },
  );

  t.test(`other ports, other addresses and the other protocol are refused${also}`, { skip }, async (t) => {
    const network = await TestNetwork.make(t);
    const found = await runInChild(
      t,
      network,
      `return Promise.all([tcp('${ALLOWED}', 81), tcp('${OTHER}', 80), udp('${ALLOWED}', 80), udp('${OTHER}', 7)]);`,
      { network: WEB, sandbox },
    );
    t.strictSame(found, ['EHOSTUNREACH', 'EHOSTUNREACH', 'no answer', 'no answer']);
    t.strictSame(network.heard, []);
  });

  t.test(`nothing is reached by default${also}`, { skip }, async (t) => {
    const network = await TestNetwork.make(t);
    const body = `return Promise.all([tcp('${ALLOWED}', 80), udp('${ALLOWED}', 7), udp('${ALLOWED}', 53)]);`;
    t.strictSame(await runInChild(t, network, body, { sandbox }), ['EHOSTUNREACH', 'no answer', 'no answer']);
    t.strictSame(network.heard, []);
  });

  t.test(
    `private ranges and metadata services are not reached by a list of everything${also}`,
    { skip },
    async (t) => {
      const network = await TestNetwork.make(t);
      const found = await runInChild(
        t,
        network,
        `const all = [];
       for (const address of ${JSON.stringify(PRIVATE)}) all.push(tcp(address, 80), udp(address, 7));
       return Promise.all([tcp('${ALLOWED}', 81), ...all]);`,
        { network: EVERYTHING, sandbox },
      );
      // The first shows that the list of everything is one.
      t.strictSame(found, [ALLOWED, ...PRIVATE.flatMap(() => ['EHOSTUNREACH', 'no answer'])]);
      t.strictSame(network.heard, [`tcp ${ALLOWED}:81 from ${HOST}`]);
    },
  );

  t.test(`the metadata service is not reached under any of its disguises${also}`, { skip }, async (t) => {
    const network = await TestNetwork.make(t);
    const found = await runInChild(
      t,
      network,
      `const get = (url) => fetch(url, { signal: AbortSignal.timeout(WAIT) }).then(() => 'reached', () => 'refused');
       return Promise.all([
         get('http://${METADATA}/latest/meta-data/'),
         get('http://2852039166/'),
         get('http://0xa9fea9fe/'),
         get('http://[::ffff:${METADATA}]/'),
         get('http://metadata.test/'),
       ]);`,
      { network: { ...EVERYTHING, hosts: { 'metadata.test': METADATA } }, sandbox },
    );
    t.strictSame(found, Array(5).fill('refused'));
    t.strictSame(network.heard, []);
  });

  t.test(
    `a private address is reached once it is named, and its neighbour is not${also}`,
    { skip },
    async (t) => {
      const network = await TestNetwork.make(t);
      const found = await runInChild(
        t,
        network,
        `return Promise.all([tcp('10.1.2.3', 81), tcp('10.1.2.3', 80), tcp('172.16.5.6', 81), tcp('${METADATA}', 81)]);`,
        {
          network: {
            allowPrivate: [
              { to: '10.1.2.0/24', ports: 81 },
              { to: METADATA, ports: 81 },
            ],
          },
          sandbox,
        },
      );
      t.strictSame(found, ['10.1.2.3', 'EHOSTUNREACH', 'EHOSTUNREACH', METADATA]);
    },
  );

  t.test(`no address of the host's own is reached, loopback neither${also}`, { skip }, async (t) => {
    const network = await TestNetwork.make(t);
    const found = await runInChild<readonly string[]>(
      t,
      network,
      `return Promise.all([tcp('${HOST}', 81), tcp('${HOST_TOO}', 81), tcp('127.0.0.1', 81),
         udp('${HOST}', 7), udp('${HOST_TOO}', 7), tcp('127.0.0.2', 81), tcp('0.0.0.0', 81)]);`,
      { network: EVERYTHING, sandbox },
    );
    t.strictSame(found.slice(0, 5), [
      'EHOSTUNREACH',
      'EHOSTUNREACH',
      'ECONNREFUSED',
      'no answer',
      'no answer',
    ]);
    t.notMatch(found, [HOST]);
    t.strictSame(network.heard, []);
  });

  t.test(`an address of the host's own is reached once it is named${also}`, { skip }, async (t) => {
    const network = await TestNetwork.make(t);
    const options = { network: { allowPrivate: [{ to: HOST_TOO, ports: 81 }] }, sandbox };
    const body = `return Promise.all([tcp('${HOST_TOO}', 81), tcp('${HOST_TOO}', 80), tcp('${HOST}', 81)]);`;
    t.strictSame(await runInChild(t, network, body, options), [HOST_TOO, 'EHOSTUNREACH', 'EHOSTUNREACH']);
  });

  t.test(`what the host puts behind an allowed address is not reached${also}`, { skip }, async (t) => {
    const network = await TestNetwork.make(t);
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
    const body = `return Promise.all([tcp('${OTHER}', 80), tcp('${OTHER}', 81), tcp('${HOST}', 80)]);`;
    const found = await runInChild(t, network, body, { network: EVERYTHING, sandbox });
    // Our link has no address that it could be redirected to, so the host drops that one itself.
    t.strictSame(found, ['EHOSTUNREACH', 'no answer', 'EHOSTUNREACH']);
    t.strictSame(network.heard, []);
  });

  t.test(
    `children have an address each, and don't reach each other or the router${also}`,
    { skip },
    async (t) => {
      const network = await TestNetwork.make(t);
      // Each listens by UDP, and tells the others at the address that it has: those of the first and the second child
      // differ by a generation and a slot, so all of a generation are tried.
      const body = `const own = await new Promise((resolve) => {
        const socket = dgram.createSocket('udp4');
        socket.connect(7, '${ALLOWED}', () => { resolve(socket.address().address); socket.close(); });
      });
      const heard = [];
      const listener = dgram.createSocket('udp4');
      listener.on('message', (message, peer) => heard.push(peer.address));
      await new Promise((resolve) => listener.bind(5000, '0.0.0.0', resolve));
      const prefix = own.split('.').slice(0, 2).join('.');
      const sender = dgram.createSocket('udp4');
      sender.on('error', () => {});
      const until = Date.now() + WAIT;
      while (Date.now() < until) {
        for (let third = 0; third < 4; third++) {
          for (let last = 1; last < 8; last++) sender.send('x', 5000, prefix + '.' + third + '.' + last, () => {});
        }
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      sender.close(); listener.close();
      return { own, heard: heard.filter((peer) => peer !== own), heardSelf: heard.includes(own) };`;
      const runs = await runInChildren(t, network, [body, body, body], { network: EVERYTHING, sandbox });
      t.strictSame(
        runs.filter(({ failed }) => failed),
        [],
      );
      const values = runs.map(({ value }) => value as { own: string; heard: string[]; heardSelf: boolean });
      t.equal(new Set(values.map(({ own }) => own)).size, 3);
      // That it heard itself shows that it was listening, and that the addresses that it tried were right.
      t.strictSame(
        values.map(({ heard, heardSelf }) => ({ heard, heardSelf })),
        Array(3).fill({ heard: [], heardSelf: true }),
      );
    },
  );

  t.test(`there is no IPv6${also}`, { skip }, async (t) => {
    const network = await TestNetwork.make(t);
    const body = `return Promise.all([tcp('${OUTSIDE_IPV6}', 81), udp('${OUTSIDE_IPV6}', 7), tcp('fd00:ec2::254', 80), tcp('64:ff9b::a01:203', 81)]);`;
    const refused = off.includes('syscalls') ? 'ENETUNREACH' : 'EAFNOSUPPORT';
    const found = await runInChild(t, network, body, { network: EVERYTHING, sandbox });
    t.strictSame(found, Array(4).fill(refused));
    t.strictSame(network.heard, []);
  });
}

const RAW = { 'raw IPv4': [2, 3, 1], packet: [17, 3, 768], vsock: [40, 1, 0] } as const;
for (const [name, numbers] of Object.entries(RAW)) {
  t.test(`a ${name} socket kills the child`, { skip }, async (t) => {
    const network = await TestNetwork.make(t);
    const addon = compile(t, 'socket-addon', 'addon');
    const body = `return (await import(${JSON.stringify(addon)})).default.socket(${numbers.join()});`;
    const [run] = await runInChildren(t, network, [body], { preload: [addon] });
    t.match(run?.failed, { status: 'forbidden', syscall: 'socket' });
  });
}

t.test(
  'without the filter of system calls, raw sockets need a capability that children lack',
  { skip },
  async (t) => {
    const network = await TestNetwork.make(t);
    const addon = compile(t, 'socket-addon', 'addon');
    const body = `const { socket } = (await import(${JSON.stringify(addon)})).default;
    return [socket(2, 3, 1), socket(17, 3, 768), socket(2, 1, 0)];`;
    const sandbox = { off: ['syscalls'] as const };
    const EPERM = 1;
    t.strictSame(await runInChild(t, network, body, { sandbox, preload: [addon] }), [EPERM, EPERM, 0]);
  },
);

t.test('other sockets are refused: of other families, and of other protocols', { skip }, async (t) => {
  const network = await TestNetwork.make(t);
  const addon = compile(t, 'socket-addon', 'addon');
  const body = `const { socket } = (await import(${JSON.stringify(addon)})).default;
    return [[1, 1, 0], [10, 1, 0], [16, 3, 0], [2, 1, 262], [2, 2, 1], [2, 5, 132], [38, 5, 0], [44, 3, 0]].filter((each) => socket(...each) === 0);`;
  t.strictSame(await runInChild(t, network, body, { preload: [addon] }), []);
});

// What follows can only be tried by a child that has the capabilities for it.
const POWERFUL = { off: ['syscalls', 'capabilities', 'user', 'files', 'limits'] as const };
const SHELL = `const { execFileSync } = await import('node:child_process');
  const ip = (...args) => execFileSync('ip', args, { env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' }, stdio: 'pipe' });
  const own = String(ip('-4', '-br', 'address', 'show', 'eth0')).match(/[0-9.]+(?=\\/32)/)[0];`;

t.test('what pretends to come from another address is dropped', { skip }, async (t) => {
  const network = await TestNetwork.make(t);
  const found = await runInChild(
    t,
    network,
    `${SHELL}
     const pretended = ['198.18.255.254', own.replace(/\\d+$/, (last) => String((Number(last) + 1) % 256)), '${HOST}', '10.9.9.9'];
     for (const address of pretended) ip('address', 'add', address + '/32', 'dev', 'eth0');
     return Promise.all([udp('${ALLOWED}', 7, own), ...pretended.map((address) => udp('${ALLOWED}', 7, address))]);`,
    { network: EVERYTHING, sandbox: POWERFUL },
  );
  t.strictSame(found, ['x', ...Array<string>(4).fill('no answer')]);
  t.strictSame(network.heard, [`udp ${ALLOWED}:7 from ${HOST}`]);
});

t.test('a child that takes an IPv6 address and a route is not let through', { skip }, async (t) => {
  const network = await TestNetwork.make(t);
  const found = await runInChild(
    t,
    network,
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

t.test('a child has no more connections at a time than it may', { skip }, async (t) => {
  const network = await TestNetwork.make(t);
  const body = `const hold = () => new Promise((resolve) => {
      const socket = net.connect({ host: '${ALLOWED}', port: 81 });
      socket.on('data', () => resolve('open'));
      socket.on('error', (error) => resolve(error.code));
    });
    const found = [];
    for (let i = 0; i < 6; i++) found.push(await hold());
    return found;`;
  const options = { network: { ...EVERYTHING, maxConnections: 4 } };
  const [run] = await runInChildren(t, network, [body], options);
  t.strictSame(run?.value, ['open', 'open', 'open', 'open', 'EHOSTUNREACH', 'EHOSTUNREACH']);
});

t.test('the host forgets a connection that is silent for too long', { skip }, async (t) => {
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
