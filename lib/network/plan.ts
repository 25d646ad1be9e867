/** From what the caller asks for to what the launcher is told (native/launcher/network_options.c). */
import { ZygoteStartError } from '../errors.js';
import { contains, parseAddress, rangeSize } from './address.js';
import { BLOCKED_RANGES } from './blocked.js';
import type { CheckedNetworkOptions, CheckedRule } from './options.js';

/** IPPROTO_TCP and IPPROTO_UDP. */
const PROTOCOL_NUMBERS = { tcp: 6, udp: 17 } as const;

function dnsRules(server: string): CheckedRule[] {
  const to = { address: parseAddress(server) ?? 0, bits: 32 };
  return (['udp', 'tcp'] as const).map((protocol) => ({ to, protocol, firstPort: 53, lastPort: 53 }));
}

function reach(rule: CheckedRule, named: boolean): string {
  const { to, protocol, firstPort, lastPort } = rule;
  const numbers = [to.address, to.bits, PROTOCOL_NUMBERS[protocol], firstPort, lastPort, named ? 1 : 0];
  return `--reach=${numbers.join(':')}`;
}

/** The files by which names become addresses (resolv.conf(5), hosts(5), nsswitch.conf(5)). */
function files({ dns, hosts }: CheckedNetworkOptions): Record<string, string> {
  const lines = (all: readonly string[]): string => all.map((line) => `${line}\n`).join('');
  return {
    '/etc/resolv.conf': lines(dns.map((server) => `nameserver ${server}`)),
    '/etc/hosts': lines([
      '127.0.0.1 localhost',
      ...Object.entries(hosts).map(([name, address]) => `${address} ${name}`),
    ]),
    '/etc/nsswitch.conf': lines(['hosts: files dns']),
  };
}

/** @throws {ZygoteStartError} `ERR_SANDBOX_UNAVAILABLE` for a host that isn't root */
export function planNetwork(options: CheckedNetworkOptions): string[] {
  if (process.getuid?.() !== 0) {
    throw new ZygoteStartError(
      'ERR_SANDBOX_UNAVAILABLE',
      'the profile network needs a host that is root: only root can connect namespaces to the network',
      '',
    );
  }
  const { addresses, maxConnections, maxConnectionsOfAll, connectionIdleMs } = options;
  // The links of other zygotes are there.
  const isBlocked = BLOCKED_RANGES.some((range) => contains(range, addresses));
  const blocked = isBlocked ? BLOCKED_RANGES : [...BLOCKED_RANGES, addresses];
  const half = rangeSize(addresses.bits) / 2;
  return [
    // The addresses of the halves that name the gateways are not given to anybody.
    `--network-links=${addresses.address + 1}:${half - 1}`,
    `--network-children=${addresses.address + half}:${half}`,
    `--connections=${maxConnections}:${maxConnectionsOfAll}:${Math.ceil(connectionIdleMs / 1000)}`,
    ...blocked.map(({ address, bits }) => `--blocked=${address}:${bits}`),
    ...options.dns.flatMap(dnsRules).map((rule) => reach(rule, true)),
    ...options.allowPrivate.map((rule) => reach(rule, true)),
    ...options.allow.map((rule) => reach(rule, false)),
    ...Object.entries(files(options)).map(([file, content]) => `--write=${file}:${content}`),
  ];
}
