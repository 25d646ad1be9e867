/** What children don't reach unless it is in `allowPrivate`, even where a range of `allow` covers it. */
import { parseRange, type Range } from './address.js';

/** The IPv4 special-purpose address registry of IANA, but for what is public (192.88.99.0/24, 192.31.196.0/24, …). */
const BLOCKED: Readonly<Record<string, string>> = {
  '0.0.0.0/8': 'this host (RFC 791)',
  '10.0.0.0/8': 'private (RFC 1918)',
  '100.64.0.0/10': 'shared by customers of a carrier (RFC 6598); the metadata service of Alibaba Cloud',
  '127.0.0.0/8': 'loopback',
  '168.63.129.16/32': "Azure's host, DNS and metadata service, which looks like a public address",
  '169.254.0.0/16': 'link-local, with the metadata services of most clouds at 169.254.169.254',
  '172.16.0.0/12': 'private (RFC 1918)',
  '192.0.0.0/24': 'protocol assignments; the metadata service of Oracle Cloud (RFC 6890)',
  '192.0.2.0/24': 'documentation (RFC 5737)',
  '192.168.0.0/16': 'private (RFC 1918)',
  '198.18.0.0/15': 'benchmarks (RFC 2544), and where the addresses of our own links are by default',
  '198.51.100.0/24': 'documentation (RFC 5737)',
  '203.0.113.0/24': 'documentation (RFC 5737)',
  '224.0.0.0/4': 'multicast',
  '240.0.0.0/4': 'reserved, and broadcast',
};

export const BLOCKED_RANGES: readonly Range[] = Object.keys(BLOCKED).map((text) => {
  const range = parseRange(text);
  if (range === undefined) throw new Error(text);
  return range;
});

/** What no option opens: it never leaves the child, or no firewall could say where it ends. */
export const UNREACHABLE_RANGES: readonly Range[] = [
  '0.0.0.0/8',
  '127.0.0.0/8',
  '224.0.0.0/4',
  '240.0.0.0/4',
].flatMap((text) => parseRange(text) ?? []);
