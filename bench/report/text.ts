/** Tables in Markdown, which docs/performance.md can take as they are, and the numbers in them. */
import { summarize } from '../statistics.js';

export const ms = (value: number): string => value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0);
export const times = (value: number): string => value.toFixed(value < 0.1 ? 3 : value < 10 ? 2 : 0);
export const mb = (bytes: number): string => (bytes / 1e6).toFixed(2);

export function size(bytes: number): string {
  const units = ['bytes', 'KB', 'MB', 'GB'];
  const unit = Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  return `${(bytes / 2 ** (10 * unit)).toFixed(0)} ${units[unit]}`;
}

/** Columns as wide as what is in them: readable as text, too. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join(' | ')} |`;
  const rule = widths.map((width, i) => (i === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`));
  return [line(header), line(rule), ...rows.map(line)].join('\n');
}

export const SPREAD = ['count', 'p50', 'p99', 'p25', 'p75', 'deviation'] as const;

/** The columns of SPREAD. */
export function spread(values: readonly number[], format: (value: number) => string = ms): string[] {
  const { count, p25, p50, p75, p99, deviation } = summarize(values);
  return [count.toString(), ...[p50, p99, p25, p75, deviation].map(format)];
}
