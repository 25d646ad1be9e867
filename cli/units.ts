/** Numbers as people write them. */
import { usageError } from './failure.js';

const MILLISECONDS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
const BYTES: Readonly<Record<string, number>> = { '': 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30 };

/** `500ms`, `30s`, `5m`, `1h`, or `none`. */
export function duration(option: string, text: string): number {
  if (text === 'none') return Infinity;
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text) ?? [];
  const value = Number(number) * (MILLISECONDS[unit] ?? NaN);
  if (!(value > 0)) throw usageError(`--${option} ${text}: a time such as 500ms, 30s, 5m or none is needed`);
  return value;
}

/** `1000`, `64K`, `512M`, `2G`: by 1024. */
export function size(option: string, text: string): number {
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?)([KMG]?)$/.exec(text) ?? [];
  const value = Math.round(Number(number) * (BYTES[unit] ?? NaN));
  if (!Number.isSafeInteger(value))
    throw usageError(`--${option} ${text}: a size such as 64K, 512M or 2G is needed`);
  return value;
}

export function wholeNumber(option: string, text: string, least = 1, most = Infinity): number {
  const value = /^\d+$/.test(text) ? Number(text) : NaN;
  if (!(Number.isSafeInteger(value) && value >= least && value <= most))
    throw usageError(
      `--${option} ${text}: a whole number from ${least} ${most === Infinity ? 'on' : `to ${most}`} is needed`,
    );
  return value;
}

export function showBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  const [scale, unit] = bytes < 1e6 ? [1e3, 'kB'] : bytes < 1e9 ? [1e6, 'MB'] : [1e9, 'GB'];
  return `${(bytes / scale).toFixed(1)} ${unit}`;
}

export function showMs(ms: number): string {
  return ms < 10_000 ? `${ms.toFixed(ms < 100 ? 1 : 0)} ms` : `${(ms / 1000).toFixed(1)} s`;
}
