/**
 * A small world for tests of the network, made of network namespaces: one for a host, and one for everything outside of
 * it. Nothing leads from there to the machine's own network, so nothing that a test sends gets to anybody.
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setImmediate } from 'node:timers/promises';
import type { Test } from 'tap';
import { eventually } from './eventually.js';
import { FIXTURES } from './zygote.js';

/** Ranges that look public and are nobody's machines: those of AS112 and of AMT (RFC 7534, RFC 7450). */
export const HOST = '192.175.48.1';
/** Another address of the host's, of a link that does not lead outside. */
export const HOST_TOO = '192.52.193.1';
export const ALLOWED = '192.31.196.1';
export const OTHER = '192.31.196.2';
export const OUTSIDE_IPV6 = '2620:4f:8000::1';
export const METADATA = '169.254.169.254';
/** All of them have a server outside. */
export const PRIVATE = ['10.1.2.3', '172.16.5.6', '192.168.7.8', '100.64.9.10', '168.63.129.16', METADATA];
const GATEWAY = '192.175.48.2';

/** What the name server outside knows, at ALLOWED. */
export const NAME = 'server.test';

export function canHaveNetworks(): false | string {
  if (process.getuid?.() !== 0) return 'only root can make network namespaces';
  for (const [program, name] of Object.entries({ ip: 'iproute2', nft: 'nftables' })) {
    if (!['/usr/sbin', '/sbin', '/usr/bin', '/bin'].some((folder) => existsSync(`${folder}/${program}`)))
      return `${program}(8) of ${name} is not installed`;
  }
  return false;
}

export class TestNetwork {
  readonly #names: { readonly host: string; readonly outside: string };
  readonly #lines: string[] = [];
  readonly #servers: ChildProcess[] = [];

  private constructor(names: { host: string; outside: string }) {
    this.#names = names;
  }

  /** Is gone when the test ends. */
  static async make(t: Test, { forwarding = true } = {}): Promise<TestNetwork> {
    const name = `nodespawner-test-${process.pid}-${Math.random().toString(36).slice(2, 8)}`;
    const network = new TestNetwork({ host: `${name}-host`, outside: `${name}-outside` });
    const { host, outside } = network.#names;
    t.teardown(() => {
      for (const each of [host, outside]) ip('netns', 'delete', each);
    });
    ip('netns', 'add', host);
    ip('netns', 'add', outside);
    for (const each of [host, outside]) ip('-n', each, 'link', 'set', 'lo', 'up');
    ip('-n', host, 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', outside);
    // Its own link-local address would come a while later, and change the state.
    for (const each of [host, outside]) ip('-n', each, 'link', 'set', 'eth0', 'addrgenmode', 'none');
    const give = (where: string, link: string, ...addresses: string[]): void => {
      for (const address of addresses) {
        const flags = address.includes(':') ? ['nodad'] : [];
        ip('-n', where, 'address', 'add', address, 'dev', link, ...flags);
      }
    };
    give(host, 'eth0', `${HOST}/24`, '2620:4f:8000::2/64');
    give(host, 'lo', `${HOST_TOO}/32`);
    give(outside, 'eth0', `${GATEWAY}/24`, `${OUTSIDE_IPV6}/64`);
    give(outside, 'lo', ...[ALLOWED, OTHER, ...PRIVATE].map((address) => `${address}/32`));
    for (const each of [host, outside]) ip('-n', each, 'link', 'set', 'eth0', 'up');
    ip('-n', host, 'route', 'add', 'default', 'via', GATEWAY);
    network.set('net/ipv4/ip_forward', forwarding ? 1 : 0);
    await network.#serve(t, outside, ALLOWED, OTHER, OUTSIDE_IPV6, GATEWAY, ...PRIVATE);
    await network.#serve(t, host, HOST, HOST_TOO, '127.0.0.1', '::1');
    return network;
  }

  /** By which a program is started in the host's namespace. Unlike `ip netns exec`, it leaves /sys as it is. */
  get through(): readonly string[] {
    return ['nsenter', `--net=/run/netns/${this.#names.host}`];
  }

  inHost(...command: readonly string[]): string {
    const [program = '', ...args] = [...this.through, ...command];
    return execFileSync(program, args, { encoding: 'utf8' });
  }

  /** A setting of the host's namespace, by its path below /proc/sys: sysctl(8) is not part of every Debian. */
  set(setting: string, value: number): void {
    this.inHost('sh', '-c', `echo ${value} > /proc/sys/${setting}`);
  }

  /** All that the servers have said since `forget()`: whom they heard from, and where. */
  get heard(): readonly string[] {
    return this.#lines;
  }

  /** What the servers have said so far is of an earlier test. */
  async forget(): Promise<void> {
    // What they have written is read by then: libuv does it before it runs this.
    await setImmediate();
    this.#lines.length = 0;
  }

  /** Lets the servers on port 82 read what they were sent. */
  readLate(): void {
    for (const server of this.#servers) server.kill('SIGUSR2');
  }

  /** Everything in the host's namespace that a zygote could have left there or changed. */
  state(): string {
    return [
      this.inHost('ip', '-br', 'link'),
      this.inHost('ip', 'address'),
      this.inHost('ip', 'route', 'show', 'table', 'all'),
      this.inHost('ip', '-6', 'route', 'show', 'table', 'all'),
      this.inHost('ip', 'rule'),
      this.inHost('nft', 'list', 'ruleset'),
      // A link may go while its files are read.
      this.inHost('sh', '-c', 'grep -rs . /proc/sys/net/ipv4/conf /proc/sys/net/ipv4/ip_forward || true'),
    ]
      .join('\n')
      .replace(/(valid|preferred)_lft \w+/g, '');
  }

  async #serve(t: Test, where: string, ...addresses: readonly string[]): Promise<void> {
    const server = spawn(
      'nsenter',
      [`--net=/run/netns/${where}`, process.execPath, `${FIXTURES}network-server.cjs`, NAME, ...addresses],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    t.teardown(() => server.kill('SIGKILL'));
    this.#servers.push(server);
    let ready = false;
    createInterface({ input: server.stdout }).on('line', (line) => {
      if (line === 'ready') ready = true;
      else this.#lines.push(line);
    });
    await eventually('the servers of the test listen', () => ready);
  }
}

function ip(...args: readonly string[]): void {
  execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'inherit'] });
}

/** Functions for code in a child: each resolves with what it heard, or with the code of the error, or `no answer`. */
export const PROBES = `
import dgram from 'node:dgram';
import net from 'node:net';
const WAIT = 1500;
const tcp = (host, port, options = {}) => new Promise((resolve) => {
  const socket = net.connect({ host, port, ...options });
  const end = (what) => { socket.destroy(); resolve(what); };
  socket.setTimeout(WAIT, () => end('no answer'));
  socket.on('data', (data) => end(String(data)));
  socket.on('error', (error) => end(error.code));
});
const udp = (host, port, local) => new Promise((resolve) => {
  const socket = dgram.createSocket(net.isIPv6(host) ? 'udp6' : 'udp4');
  const timer = setTimeout(() => end('no answer'), WAIT);
  const end = (what) => { clearTimeout(timer); try { socket.close(); } catch {} resolve(what); };
  socket.on('message', (message) => end(String(message)));
  socket.on('error', (error) => end(error.code));
  const send = () => socket.send('x', port, host, (error) => error && end(error.code));
  if (local) socket.bind(0, local, send); else send();
});
`;
