/** Checks `sandbox.network`. */
import {
  DEFAULT_CONNECTION_IDLE_MS,
  DEFAULT_MAX_CONNECTIONS,
  DEFAULT_MAX_CONNECTIONS_OF_ALL,
  DEFAULT_NETWORK_ADDRESSES,
} from '../defaults.js';
import { count, fail, list, oneOf, Reader, text, type Check } from '../reader.js';
import { contains, formatAddress, parseAddress, parseRange, type Range } from './address.js';
import { BLOCKED_RANGES, UNREACHABLE_RANGES } from './blocked.js';

/** A destination that is let through. */
export interface CheckedRule {
  readonly to: Range;
  readonly protocol: 'tcp' | 'udp';
  readonly firstPort: number;
  readonly lastPort: number;
}

export interface CheckedNetworkOptions {
  readonly allow: readonly CheckedRule[];
  readonly allowPrivate: readonly CheckedRule[];
  readonly dns: readonly string[];
  readonly hosts: Readonly<Record<string, string>>;
  readonly addresses: Range;
  readonly maxConnections: number;
  readonly maxConnectionsOfAll: number;
  readonly connectionIdleMs: number;
}

/** MAX_NETWORK_RULES of native/launcher/options.h. */
const MAX_RULES = 256;

/** Both halves hold at least one address for each of the 255 children of a zygote, and its gateway's. */
const SMALLEST_POOL_BITS = 23;

const range: Check<Range> = (value, name) =>
  parseRange(text(value, name)) ??
  fail(name, 'an IPv4 address or range such as 93.184.215.14 or 93.184.215.0/24', value);

const address: Check<string> = (value, name) => {
  const parsed = parseAddress(text(value, name));
  return parsed === undefined ? fail(name, 'an IPv4 address', value) : formatAddress(parsed);
};

const isPort = (value: unknown): value is number =>
  Number.isInteger(value) && (value as number) >= 1 && (value as number) <= 65_535;

const ports: Check<{ first: number; last: number }> = (value, name) => {
  if (isPort(value)) return { first: value, last: value };
  const [, first, last] = typeof value === 'string' ? (/^(\d{1,5})-(\d{1,5})$/.exec(value) ?? []) : [];
  const pair = { first: Number(first), last: Number(last) };
  if (isPort(pair.first) && isPort(pair.last) && pair.first <= pair.last) return pair;
  return fail(name, "a port (1 to 65535), or a range such as '8000-8999'", value);
};

/** One for each entry of `ports`. */
function rules(to: Check<Range>): Check<readonly CheckedRule[]> {
  const rule: Check<readonly CheckedRule[]> = (value, name) => {
    const reader = new Reader(value, name);
    const destination = reader.required('to', to);
    const protocol = reader.get('protocol', oneOf<'tcp' | 'udp'>('tcp', 'udp'), 'tcp');
    const given = reader.get<unknown>('ports', (item) => item, undefined);
    const several = Array.isArray(given)
      ? list(ports, 'ports')(given, `${name}.ports`)
      : [ports(given, `${name}.ports`)];
    reader.end();
    return several.map(({ first, last }) => ({
      to: destination,
      protocol,
      firstPort: first,
      lastPort: last,
    }));
  };
  return (value, name) => list(rule, 'rules')(value, name).flat();
}

/** A rule that would never let anything through is a mistake, and better said than found out. */
const publicRange: Check<Range> = (value, name) => {
  const checked = range(value, name);
  return BLOCKED_RANGES.some((blocked) => contains(blocked, checked))
    ? fail(name, 'a public address: those of private and special ranges belong in allowPrivate', value)
    : checked;
};

/** Only what is said for sure: one address, or a range that is private as a whole. */
const privateRange: Check<Range> = (value, name) => {
  const checked = range(value, name);
  if (UNREACHABLE_RANGES.some((unreachable) => contains(unreachable, checked)))
    fail(
      name,
      'an address of another machine: loopback, multicast and broadcast are never let through',
      value,
    );
  return checked.bits === 32 || BLOCKED_RANGES.some((blocked) => contains(blocked, checked))
    ? checked
    : fail(name, 'a single address, or a range within a private one', value);
};

const hosts: Check<Readonly<Record<string, string>>> = (value, name) => {
  if (typeof value !== 'object' || value === null) fail(name, 'an object of addresses by name', value);
  return Object.fromEntries(
    Object.entries(value).map(([host, item]) => {
      if (!/^[A-Za-z0-9_]([A-Za-z0-9_.-]{0,251}[A-Za-z0-9_])?$/.test(host))
        fail(name, 'without names that are no host names', host);
      return [host, address(item, `${name}.${host}`)];
    }),
  );
};

const pool: Check<Range> = (value, name) => {
  const checked = range(value, name);
  return checked.bits <= SMALLEST_POOL_BITS && checked.bits >= 8
    ? checked
    : fail(name, `a range with a prefix of 8 to ${SMALLEST_POOL_BITS} bits`, value);
};

export function checkNetwork(value: unknown, name: string): CheckedNetworkOptions {
  const reader = new Reader(value, name);
  const checked = {
    allow: reader.get('allow', rules(publicRange), []),
    allowPrivate: reader.get('allowPrivate', rules(privateRange), []),
    // Three are what libc's resolver takes.
    dns: reader.get('dns', list(address, 'addresses'), []),
    hosts: reader.get('hosts', hosts, {}),
    addresses: reader.get('addresses', pool, pool(DEFAULT_NETWORK_ADDRESSES, `${name}.addresses`)),
    maxConnections: reader.get('maxConnections', count, DEFAULT_MAX_CONNECTIONS),
    maxConnectionsOfAll: reader.get('maxConnectionsOfAll', count, DEFAULT_MAX_CONNECTIONS_OF_ALL),
    connectionIdleMs: reader.get('connectionIdleMs', count, DEFAULT_CONNECTION_IDLE_MS),
  };
  reader.end();
  if (checked.dns.length > 3) fail(`${name}.dns`, 'at most three addresses', checked.dns);
  const total = checked.allow.length + checked.allowPrivate.length + 2 * checked.dns.length;
  if (total > MAX_RULES) fail(name, `at most ${MAX_RULES} rules (two of them for each DNS server)`, total);
  return checked;
}
