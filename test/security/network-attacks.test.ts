// What code of strangers tries, to get where the caller did not let it: by names, by ways of writing an address, by what
// an allowed server says, at the routers and their links, and by connections that outlive it.
import path from 'node:path';
import t from 'tap';
import type { Test } from 'tap';
import type { NetworkOptions, SandboxLayer } from '../../lib/index.js';
import { eventually } from '../helpers/eventually.js';
import { HostProgram } from '../helpers/host-program.js';
import {
  ALLOWED,
  canHaveNetworks,
  HOST,
  HOST_TOO,
  METADATA,
  NAME,
  OTHER,
  PRIVATE,
  PROBES,
  TestNetwork,
} from '../helpers/network.js';
import { EVERYTHING_PUBLIC, startZygoteText, testsOnOneHost } from '../helpers/network-host.js';
import { onlyStubsHaveLinks, processOf } from '../helpers/network-processes.js';
import { buildRaw, SYSTEM_CALLS } from '../helpers/security/lab.js';

const skip = canHaveNetworks();
t.setTimeout(290_000);

const test = await testsOnOneHost(t, skip);

/** All that is public, and a name server. */
const EVERYTHING: NetworkOptions = {
  allow: EVERYTHING_PUBLIC,
  dns: [OTHER],
};
const GET = `const get = (url) => fetch(url, { signal: AbortSignal.timeout(WAIT) })
  .then(async (response) => response.text(), (error) => 'refused');`;

/** Those that an allowed server heard, and were meant to be heard. */
const asked = (line: string): boolean => !line.startsWith(`udp ${OTHER}:53 `);

test('a name that leads to a forbidden address does not get there', async (t, host, network) => {
  const forbidden = [...PRIVATE, HOST, HOST_TOO];
  const found = await host.value(
    `${GET}
     const name = (address) => address.replaceAll('.', '-') + '.rebind.test';
     const dns = await import('node:dns/promises');
     const all = ${JSON.stringify(forbidden)};
     return [
       (await dns.lookup(name(all[0]))).address,
       await get('http://' + name('${OTHER}') + '/'),
       ...(await Promise.all(all.map((address) => get('http://' + name(address) + '/')))),
     ];`,
    { network: EVERYTHING },
  );
  // The first two show that such names are found, and used.
  t.match(found, [PRIVATE[0], `hello from ${OTHER}`, ...forbidden.map(() => 'refused')]);
  t.strictSame(network.heard.filter(asked), [`http ${OTHER}:80 from ${HOST}`]);
});

test('a redirect of an allowed server to a forbidden address is not followed there', async (t, host, network) => {
  const forbidden = [METADATA, '10.1.2.3', HOST, '2852039166', '[::ffff:a9fe:a9fe]'];
  const found = await host.value(
    `${GET}
     const to = (where) => get('http://${ALLOWED}/to/' + encodeURIComponent('http://' + where + '/'));
     return [await to('${OTHER}'), ...(await Promise.all(${JSON.stringify(forbidden)}.map(to)))];`,
    { network: EVERYTHING },
  );
  t.match(found, [`hello from ${OTHER}`, ...forbidden.map(() => 'refused')]);
  const elsewhere = network.heard.filter((line) => !line.startsWith(`http ${ALLOWED}:80 `));
  t.strictSame(elsewhere, [`http ${OTHER}:80 from ${HOST}`]);
});

test('no way of writing a forbidden address gets there', async (t, host, network) => {
  // inet_aton(3) takes numbers of one to four parts, in three bases.
  const spellings = ['167838211', '0xa010203', '012.0x1.515', '10.66051', '0250.077.021.020', '2852039166'];
  const mapped = PRIVATE.map((address) => `::ffff:${address}`);
  const body = `const all = ${JSON.stringify([...spellings, ...mapped, `::ffff:${HOST}`, '::ffff:0:10.1.2.3'])};
     return [await tcp('${ALLOWED.split('.').slice(0, 2).join('.')}.50177', 81), ...(await Promise.all(all.map((one) => tcp(one, 81))))];`;
  // Without the filter of system calls, too.
  const variants: readonly (readonly SandboxLayer[])[] = [[], ['syscalls']];
  const jobs = variants.map((off) => ({ body, options: { network: EVERYTHING, sandbox: { off } } }));
  for (const [i, found] of (await host.values<readonly string[]>(jobs)).entries()) {
    const also = `off: ${variants[i]?.join() ?? ''}`;
    // 192.31.196.1, written in three parts.
    t.equal(found[0], ALLOWED, also);
    t.notMatch(found.slice(1).join(), /\d+\.\d+\.\d+\.\d+/, `no server has said its address; ${also}`);
  }
  t.strictSame(
    network.heard,
    variants.map(() => `tcp ${ALLOWED}:81 from ${HOST}`),
  );
});

test('what routers would write their addresses in goes nowhere', async (t, host) => {
  const addon = buildRaw(t);
  const { setsockopt } = SYSTEM_CALLS;
  // Record Route and Timestamp (RFC 791, 3.1), with room for as many as fit. The kernel sends no others to their end.
  const body = `const raw = { exports: {} };
    process.dlopen(raw, ${JSON.stringify(addon)});
    // socket._handle was deprecated (DEP0112), and Node 26 has it no more.
    const fdOf = (socket) => socket[Object.getOwnPropertySymbols(socket).find((one) => one.description === 'state symbol')].handle.fd;
    const withOptions = (...bytes) => new Promise((resolve) => {
      const socket = dgram.createSocket('udp4');
      const timer = setTimeout(() => end('no answer'), WAIT);
      const end = (what) => { clearTimeout(timer); socket.close(); resolve(what); };
      socket.on('message', (message) => end(String(message)));
      socket.bind(0, '0.0.0.0', () => {
        const options = Buffer.alloc(40);
        options.set(bytes);
        const length = bytes.length === 0 ? 0 : 40;
        const failed = raw.exports.call(${setsockopt}, fdOf(socket), 0, 4, options, length);
        if (failed !== 0) return end('setsockopt: ' + failed);
        socket.send('x', 7, '${ALLOWED}');
      });
    });
    return Promise.all([withOptions(), withOptions(7, 39, 4), withOptions(68, 36, 5, 1), withOptions(148, 4, 0, 0)]);`;
  const found = await host.value(body, {
    network: EVERYTHING,
    sandbox: { off: ['syscalls'], files: [path.dirname(addon)] },
  });
  t.strictSame(found, ['x', 'no answer', 'no answer', 'no answer']);
});

t.test('a child reaches neither of the routers, nor either end of a link', { skip }, async (t) => {
  const network = await TestNetwork.make(t);
  // One server on every address of the host's, as daemons listen.
  const code = `${PROBES}\nexport default async ({ params }) => {
    const all = [...params, '198.18.0.0', '198.18.0.1', '198.19.0.0', '198.19.0.255'];
    return Promise.all([tcp('${ALLOWED}', 81), ...all.flatMap((one) => [tcp(one, 8081), udp(one, 8081), tcp(one, 81)])]);
  };`;
  const host = new HostProgram(
    t,
    `${startZygoteText({ network: EVERYTHING })}
    import { execFileSync } from 'node:child_process';
    import net from 'node:net';
    import dgram from 'node:dgram';
    let heard = 0;
    net.createServer((socket) => { heard++; socket.end('host'); }).listen(8081, '0.0.0.0').unref();
    dgram.createSocket('udp4').on('message', () => heard++).bind(8081, '0.0.0.0').unref();
    const routes = String(execFileSync('ip', ['route', 'show'], { env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' } }));
    const router = routes.match(/^(198\\.18\\.\\S+) dev nspawn/m)[1];
    const { value } = await zygote.run(${JSON.stringify(code)}, { params: [router] });
    say({ value, heard });
    await zygote.close();`,
    { through: network.through },
  );
  const { value, heard } = await host.next<{ value: readonly string[]; heard: number }>();
  t.equal(value[0], ALLOWED);
  t.strictSame(
    value.slice(1).filter((one) => !['no answer', 'EHOSTUNREACH', 'ECONNREFUSED'].includes(one)),
    [],
  );
  t.equal(heard, 0);
});

test('a child can not listen; a server of its own without the filter is reached by nobody', async (t, shared, network) => {
  const listen = `new Promise((resolve) => {
    const server = net.createServer((socket) => socket.end('child'));
    server.on('error', (error) => resolve(error.code));
    server.listen(5000, '0.0.0.0', () => resolve('listens'));
  })`;
  t.equal(await shared.value(`return ${listen};`, { network: EVERYTHING }), 'EPERM');
  // With a route to it, as nobody has, from the host; its router does not let anything begin.
  const code = `${PROBES}\nexport default async ({ params }) => {
    const said = await ${listen};
    const own = await new Promise((resolve) => {
      const socket = net.connect(81, '${ALLOWED}', () => { resolve(socket.localAddress); socket.destroy(); });
    });
    console.log(said + ' ' + own);
    const itself = await tcp(own, 5000);
    await new Promise((resolve) => setTimeout(resolve, 2 * WAIT));
    return itself;
  };`;
  const host = new HostProgram(
    t,
    `${startZygoteText({ network: EVERYTHING, sandbox: { off: ['syscalls'] } })}
    ${PROBES}
    import { execFileSync } from 'node:child_process';
    const ip = (...args) => String(execFileSync('ip', args, { env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' } }));
    const child = await zygote.spawn(${JSON.stringify(code)}, {}, { stdout: 'pipe' });
    const [said, own] = String(await new Promise((resolve) => child.stdout.once('data', resolve))).trim().split(' ');
    ip('route', 'add', own + '/32', 'dev', ip('route', 'show').match(/dev (nspawn\\w+)/)[1]);
    const reached = await tcp(own, 5000);
    say([said, reached, (await child.result).value]);
    await zygote.close();`,
    { through: network.through },
  );
  t.strictSame(await host.next(), ['listens', 'no answer', 'child']);
});

test('an allowed address is reached at its port only, and a name server at its own', async (t, host) => {
  const found = await host.value(
    `const dns = await import('node:dns/promises');
     return Promise.all([dns.resolve4('${NAME}'), tcp('${ALLOWED}', 81), tcp('${ALLOWED}', 80), tcp('${OTHER}', 81), udp('${OTHER}', 7), udp('${ALLOWED}', 81)]);`,
    { network: { allow: [{ to: ALLOWED, ports: 81 }], dns: [OTHER] } },
  );
  t.strictSame(found, [[ALLOWED], ALLOWED, 'EHOSTUNREACH', 'EHOSTUNREACH', 'no answer', 'no answer']);
});

/** A host whose child has ended with more to be sent at `port` than the other side takes. */
async function leaveConnection(t: Test, network: TestNetwork, port: number): Promise<HostProgram> {
  const code = `${PROBES}\nexport default () => new Promise((resolve) => {
    const socket = net.connect({ host: '${ALLOWED}', port: ${port} }, () => {
      // Longer than what fills the kernel's buffers takes.
      let timer;
      const more = () => {
        clearTimeout(timer);
        timer = setTimeout(resolve, 500);
        socket.write(Buffer.alloc(65536), more);
      };
      more();
    });
  });`;
  const host = new HostProgram(
    t,
    `${startZygoteText({ network: EVERYTHING })}
    await zygote.run(${JSON.stringify(code)});
    say('ran');
    setInterval(() => {}, 1000);`,
    { through: network.through },
  );
  await host.next();
  return host;
}

t.test('what a child had still to send is not sent after its result', { skip }, async (t) => {
  const network = await TestNetwork.make(t);
  await leaveConnection(t, network, 82);
  network.readLate();
  // Else it would be all that was written, and then the end.
  t.ok(
    await eventually('the server hears that the connection is no more', () =>
      network.heard.includes(`ECONNRESET ${ALLOWED}:82 from ${HOST}`),
    ),
  );
  t.notMatch(network.heard, [/^end /]);
});

t.test('what a child had still to send does not keep its link', { skip }, async (t) => {
  const network = await TestNetwork.make(t);
  const host = await leaveConnection(t, network, 81);
  const init = processOf(host.pid, 'init');
  t.ok(await eventually('the links of the dead are gone', () => onlyStubsHaveLinks(init)));
});
