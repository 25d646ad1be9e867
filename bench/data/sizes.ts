/**
 * Does handing over a table cost the same for 1 KB and for 1 GB? Children that are given a SharedTable and read one value
 * of it, the sizes taking turns: from the call to the first line of their code, to that value, and until the child is gone and
 * the caller has its result.
 */
import { tableFromArrays, tableToIPC } from 'apache-arrow';
import { SharedTable, Zygote } from '../../lib/index.js';
import { whenParked } from '../contestants.js';
import { ms, size as sizeText, table, times } from '../report/text.js';
import { rotate } from '../rotate.js';
import { summarize } from '../statistics.js';

export interface SizesPlan {
  /** Of the tables, in bytes. The others are compared with the first. */
  readonly sizes: readonly number[];
  readonly rounds: number;
}

/** In milliseconds from the call. */
export interface Sized {
  readonly size: number;
  readonly line: readonly number[];
  readonly value: readonly number[];
  readonly result: readonly number[];
}

const STEPS = { line: 'first line', value: 'first value', result: 'result' } as const;

/** hrtime is CLOCK_MONOTONIC, which processes share. */
const CODE = `const line = process.hrtime.bigint();
module.exports = ({ tables: { table } }) => {
  const found = table.getChild('value').get(table.numRows - 1);
  return [line, process.hrtime.bigint(), found];
};`;

const WARM_UP_ROUNDS = 5;

type Times = Record<keyof typeof STEPS, number>;

async function shareOf(size: number): Promise<SharedTable> {
  const value = new Float64Array(Math.max(1, Math.floor(size / 8))).fill(size);
  return SharedTable.from(tableToIPC(tableFromArrays({ value }), 'file'));
}

async function measureOnce(zygote: Zygote, table: SharedTable, size: number): Promise<Times> {
  const start = process.hrtime.bigint();
  const { value } = await zygote.run(CODE, { tables: { table } }, { timeoutMs: 300_000 });
  const end = process.hrtime.bigint();
  const [line, first, read] = value as [number, number, number];
  if (read !== size) throw new Error(`The last value should be ${size}, but is ${read}`);
  const since = (at: number | bigint): number => Number(BigInt(at) - start) / 1e6;
  return { line: since(line), value: since(first), result: since(end) };
}

export async function measureSizes({
  sizes,
  rounds,
}: SizesPlan): Promise<{ sizes: Sized[]; starts: number }> {
  await using zygote = await Zygote.start({ preload: ['apache-arrow'], from: import.meta.url });
  const tables = new Map<number, SharedTable>();
  for (const size of sizes) tables.set(size, await shareOf(size));
  const prepare = whenParked(zygote, true);
  const turns = Array.from(tables, ([size, table]) => {
    const contestant = { prepare, measure: () => measureOnce(zygote, table, size) };
    return [size, { contestant, times: rounds }] as const;
  });
  const series = await rotate(Object.fromEntries(turns), WARM_UP_ROUNDS);
  for (const table of tables.values()) table.close();
  const measured = sizes.map((size) => {
    const times = series[size] ?? [];
    const all = (step: keyof Times): number[] => times.map((one) => one[step]);
    return { size, line: all('line'), value: all('value'), result: all('result') };
  });
  return { sizes: measured, starts: sizes.length * (WARM_UP_ROUNDS + rounds) };
}

export function reportSizes(sizes: readonly Sized[]): string {
  const [smallest] = sizes;
  if (smallest === undefined) return '';
  const steps = Object.keys(STEPS) as (keyof typeof STEPS)[];
  const rows = sizes.map((sized) => [
    sizeText(sized.size),
    sized.line.length.toString(),
    ...steps.flatMap((step) => {
      const { p50, p25, p75 } = summarize(sized[step]);
      return [`${ms(p50)} (${ms(p25)} to ${ms(p75)})`, times(p50 / summarize(smallest[step]).p50)];
    }),
  ]);
  const header = steps.flatMap((step) => [`${STEPS[step]}, p50 (p25 to p75)`, 'ratio']);
  return table(['table', 'count', ...header], rows);
}
