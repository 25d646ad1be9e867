import t from 'tap';
import { checkNetwork } from '../../../../lib/network/options.js';

const NAME = 'options.sandbox.network';

function refused(options: unknown): string | undefined {
  try {
    checkNetwork(options, NAME);
    return undefined;
  } catch (error) {
    return (error as { option?: string }).option;
  }
}

t.test('without options nothing can be reached', (t) => {
  t.match(checkNetwork({}, NAME), { allow: [], allowPrivate: [], dns: [] });
  t.end();
});

t.test('ports may be one, a range, or a list of both', (t) => {
  const { allow } = checkNetwork({ allow: [{ to: '192.31.196.1', ports: [80, '8000-8999'] }] }, NAME);
  t.strictSame(
    allow.map(({ firstPort, lastPort, protocol }) => [firstPort, lastPort, protocol]),
    [
      [80, 80, 'tcp'],
      [8000, 8999, 'tcp'],
    ],
  );
  t.end();
});

for (const ports of [0, 65_536, 1.5, '80', '90-80', '0-80', 'http', undefined, null, {}]) {
  t.test(`ports: ${JSON.stringify(ports)} is refused`, (t) => {
    t.equal(refused({ allow: [{ to: '192.31.196.1', ports }] }), `${NAME}.allow[0].ports`);
    t.end();
  });
}

for (const to of [
  'example.com',
  '192.31.196.1/24',
  '192.31.196.0/33',
  '192.31.196.0/',
  '192.31.196.0/24/8',
  '::1',
  '1.2.3',
  '0x7f.1',
  '',
  undefined,
  7,
]) {
  t.test(`to: ${JSON.stringify(to)} is no address`, (t) => {
    t.equal(refused({ allow: [{ to, ports: 80 }] }), `${NAME}.allow[0].to`);
    t.equal(refused({ allowPrivate: [{ to, ports: 80 }] }), `${NAME}.allowPrivate[0].to`);
    t.end();
  });
}

for (const to of [
  '10.0.0.0/8',
  '10.1.2.3',
  '169.254.169.254',
  '100.64.0.0/16',
  '168.63.129.16',
  '127.0.0.1',
  '224.0.0.1',
]) {
  t.test(`${to} is not for allow`, (t) => {
    t.equal(refused({ allow: [{ to, ports: 80 }] }), `${NAME}.allow[0].to`);
    t.end();
  });
}

t.test('a range that only covers private ones is for allow', (t) => {
  t.equal(refused({ allow: [{ to: '0.0.0.0/0', ports: 80 }] }), undefined);
  t.equal(refused({ allow: [{ to: '8.0.0.0/6', ports: 80 }] }), undefined);
  t.end();
});

t.test('allowPrivate takes what is private as a whole, and single addresses', (t) => {
  for (const to of ['10.0.0.0/8', '10.1.2.0/24', '169.254.169.254', '192.31.196.1'])
    t.equal(refused({ allowPrivate: [{ to, ports: 80 }] }), undefined, to);
  for (const to of [
    '0.0.0.0/0',
    '8.0.0.0/6',
    '192.31.196.0/24',
    '127.0.0.1',
    '127.0.0.0/8',
    '224.0.0.1',
    '255.255.255.255',
  ])
    t.equal(refused({ allowPrivate: [{ to, ports: 80 }] }), `${NAME}.allowPrivate[0].to`, to);
  t.end();
});

t.test('names of hosts can not bring lines of their own', (t) => {
  t.equal(refused({ hosts: { 'db.example': '10.1.2.3' } }), undefined);
  for (const name of ['a b', 'a\n10.0.0.1 b', '', '#', '-', 'a..b '])
    t.equal(refused({ hosts: { [name]: '10.1.2.3' } }), `${NAME}.hosts`, JSON.stringify(name));
  t.equal(refused({ hosts: { a: '10.1.2.3 b' } }), `${NAME}.hosts.a`);
  t.end();
});

t.test('at most three name servers, each an address', (t) => {
  t.equal(refused({ dns: ['192.31.196.1', 'dns.example'] }), `${NAME}.dns[1]`);
  t.equal(refused({ dns: Array<string>(4).fill('192.31.196.1') }), `${NAME}.dns`);
  t.end();
});

t.test('what there is no room for in the launcher is refused', (t) => {
  const rule = (index: number) => ({ to: '192.31.196.1', ports: index + 1 });
  t.equal(refused({ allow: Array.from({ length: 256 }, (_, index) => rule(index)) }), undefined);
  t.equal(refused({ allow: Array.from({ length: 257 }, (_, index) => rule(index)) }), NAME);
  t.end();
});

t.test('the pool of addresses has to be large enough', (t) => {
  t.equal(refused({ addresses: '10.200.0.0/23' }), undefined);
  t.equal(refused({ addresses: '10.200.0.0/24' }), `${NAME}.addresses`);
  t.end();
});

t.test('there are no other options', (t) => {
  t.equal(refused({ alow: [] }), `${NAME}.alow`);
  t.equal(refused({ allow: [{ to: '192.31.196.1', ports: 80, name: 'x' }] }), `${NAME}.allow[0].name`);
  t.end();
});
