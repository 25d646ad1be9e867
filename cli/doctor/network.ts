/** What the profile `network` needs besides, which nothing else does (docs/network.md). */
import os from 'node:os';
import { info, missing, ok, weaker, type Check } from './check.js';
import { readWords, versionOf } from './read.js';

const LEAST_KERNEL = versionOf('5.12');

/** In `CapEff` of /proc/self/status: CAP_NET_ADMIN of capabilities(7). */
const NET_ADMIN = 1n << 12n;

/** Where the kernel says it. For tests. */
export interface Machine {
  readonly uid: number | undefined;
  readonly release: string;
  readonly read: (file: string) => string | undefined;
}

const THIS: Machine = { uid: process.getuid?.(), release: os.release(), read: readWords };

function user({ uid }: Machine): Check {
  return uid === 0
    ? ok('network: user', 'root')
    : missing(
        'network: user',
        `uid ${uid ?? 'unknown'}`,
        'the profile network is for root only, who alone may connect namespaces to the network',
      );
}

function capability({ read }: Machine): Check {
  const [, bits = '0'] = /^CapEff:\s*([0-9a-f]+)$/m.exec(read('/proc/self/status') ?? '') ?? [];
  return (BigInt(`0x${bits}`) & NET_ADMIN) === 0n
    ? missing(
        'network: capability',
        'no CAP_NET_ADMIN',
        'Docker and Podman: --cap-add=NET_ADMIN; Kubernetes: securityContext with capabilities.add: [NET_ADMIN]',
      )
    : ok('network: capability', 'CAP_NET_ADMIN');
}

function kernel({ release, read }: Machine): Check {
  if (versionOf(release) < LEAST_KERNEL)
    return missing('network: kernel', `Linux ${release}`, 'the profile network needs Linux 5.12 or later');
  const modules = ['nf_tables', 'veth'].map((name) =>
    read(`/sys/module/${name}/refcnt`) === undefined
      ? `${name} built in or not loaded yet`
      : `${name} loaded`,
  );
  return info('network: kernel', `${modules.join(', ')}; no program (ip, nft, iptables) is needed`);
}

/** The links by which packets leave, as /proc/net/route has them, without those to routers of zygotes. */
function links({ read }: Machine): readonly string[] {
  const [, ...lines] = (read('/proc/net/route') ?? '').split('\n');
  const names = lines.map((line) => line.split(/\s+/)[0] ?? '');
  return [...new Set(names)].filter((name) => name !== '' && name !== 'lo' && !name.startsWith('nspawn'));
}

/** Whether the machine is to forward packets is for its operator to say: start() refuses rules for links that don't. */
function forwarding(machine: Machine): Check {
  const name = 'network: forwarding';
  const all = links(machine);
  if (all.length === 0) return info(name, 'no route leads to another machine');
  const settings = all.map((link) => [link, `net.ipv4.conf.${link}.forwarding`] as const);
  const off = settings.filter(([link]) => machine.read(`/proc/sys/net/ipv4/conf/${link}/forwarding`) === '0');
  return off.length === 0
    ? ok(name, `on for ${all.join(', ')}`)
    : weaker(
        name,
        `off for ${off.map(([link]) => link).join(', ')}: nothing there can be allowed`,
        `sysctl -w ${off.map(([, setting]) => `${setting}=1`).join(' ')}; docs/network.md says what else then to forbid`,
      );
}

export const network = (machine = THIS): Check[] => [
  user(machine),
  capability(machine),
  kernel(machine),
  forwarding(machine),
];
