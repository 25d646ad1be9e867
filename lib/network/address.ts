/** IPv4 addresses as numbers, and ranges of them. */
import { isIPv4 } from 'node:net';

export interface Range {
  readonly address: number;
  /** How many bits of it count: those of a prefix. */
  readonly bits: number;
}

/** Undefined for what is no IPv4 address in its usual form. */
export function parseAddress(text: string): number | undefined {
  if (!isIPv4(text)) return undefined;
  return text.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
}

export function formatAddress(address: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join('.');
}

export function rangeSize(bits: number): number {
  return 2 ** (32 - bits);
}

/** An address, or `address/bits` where nothing is set behind the prefix: 10.1.2.3/8 is more likely a mistake. */
export function parseRange(text: string): Range | undefined {
  const [first = '', prefix, ...rest] = text.split('/');
  const address = parseAddress(first);
  if (address === undefined || rest.length > 0) return undefined;
  if (prefix === undefined) return { address, bits: 32 };
  const bits = Number(prefix);
  if (!/^\d{1,2}$/.test(prefix) || bits > 32 || address % rangeSize(bits) !== 0) return undefined;
  return { address, bits };
}

export function contains(outer: Range, inner: Range): boolean {
  return (
    inner.bits >= outer.bits &&
    Math.floor(inner.address / rangeSize(outer.bits)) === Math.floor(outer.address / rangeSize(outer.bits))
  );
}
