/**
 * How much memory do N children take that each read the whole of one table? Beside N children with a table of next to
 * nothing: what is more is the table, and what it costs to have it mapped.
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { tableFromArrays, tableToIPC } from 'apache-arrow';
import { SharedTable, Zygote } from '../../lib/index.js';
import { table } from '../report/text.js';

export interface SharingPlan {
  /** Of the table, in bytes. */
  readonly size: number;
  readonly children: readonly number[];
}

/** In bytes, of all children together. */
interface Memory {
  /** Private memory, and of what is shared with others the share (proc(5), smaps_rollup). */
  readonly pss: number;
  /** Page tables. */
  readonly pageTables: number;
}

export interface Sharing {
  readonly children: number;
  readonly tableBytes: number;
  readonly small: Memory;
  readonly large: Memory;
}

function kilobytes(file: string, name: string): number {
  const found = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(readFileSync(file, 'utf8'))?.[1];
  if (found === undefined) throw new Error(`no ${name} in ${file}`);
  return 1024 * Number(found);
}

const SMALL_BYTES = 1024;

/** Reads a small table so often that it is as much work: what V8 takes for code and heap is the same. */
const CODE = `module.exports = async ({ params, tables: { t } }) => {
  let sum = 0;
  for (let round = 0; round < params; round++) {
    sum = 0;
    for (const { values } of t.getChild('value').data) for (let i = 0; i < values.length; i++) sum += values[i];
  }
  console.log('read');
  await new Promise((resolve) => process.stdin.once('end', resolve).resume());
  return sum;
};`;

async function memoryOf(zygote: Zygote, shared: SharedTable, length: number, rounds: number, count: number): Promise<Memory> {
  const children = await Promise.all(
    Array.from({ length: count }, () => zygote.spawn(CODE, { params: rounds, tables: { t: shared } }, { timeoutMs: 300_000 })),
  );
  await Promise.all(children.flatMap(({ stdout }) => (stdout === null ? [] : [once(stdout, 'data')])));
  const total = (file: string, name: string): number =>
    children.reduce((bytes, { pid }) => bytes + kilobytes(`/proc/${pid}/${file}`, name), 0);
  const memory = { pss: total('smaps_rollup', 'Pss'), pageTables: total('status', 'VmPTE') };
  for (const { stdin } of children) stdin?.end();
  for (const result of await Promise.all(children.map(({ result }) => result))) {
    if (result.status !== 'ok' || result.value !== length) throw new Error(`A child ended with ${result.status}`);
  }
  return memory;
} // prettier-ignore

export async function measureSharing({ size, children }: SharingPlan): Promise<{ sharings: Sharing[]; starts: number }> {
  const zygote = await Zygote.start({ preload: ['apache-arrow'], from: import.meta.url, pool: { min: 0, max: 0 } });
  const ones = (bytes: number): Uint8Array => tableToIPC(tableFromArrays({ value: new Float64Array(bytes / 8).fill(1) }), 'file');
  using small = await SharedTable.from(ones(SMALL_BYTES));
  using large = await SharedTable.from(ones(size));
  const sharings: Sharing[] = [];
  let starts = 0;
  for (const count of children) {
    sharings.push({
      children: count,
      tableBytes: large.byteLength,
      small: await memoryOf(zygote, small, SMALL_BYTES / 8, Math.ceil(size / SMALL_BYTES), count),
      large: await memoryOf(zygote, large, size / 8, 1, count),
    });
    starts += 2 * count;
  }
  await zygote.close();
  return { sharings, starts };
} // prettier-ignore

/** What the table has added beyond itself, in bytes. */
export function added({ small, large, tableBytes }: Sharing): number {
  return large.pss - small.pss - tableBytes + large.pageTables - small.pageTables;
}

export function reportSharing(sharings: readonly Sharing[]): string {
  const mb = (bytes: number): string => (bytes / 2 ** 20).toFixed(1);
  const rows = sharings.map((sharing) => {
    const { children, tableBytes, small, large } = sharing;
    return [
      children.toString(),
      mb(tableBytes),
      ...[small.pss, small.pageTables, large.pss, large.pageTables, added(sharing)].map(mb),
      `${((100 * added(sharing)) / tableBytes).toFixed(2)} %`,
    ];
  });
  const header = ['children', 'table', 'PSS with 1 KB', 'page tables', 'PSS with the table', 'page tables', 'added', 'of the table']; // prettier-ignore
  return table(header, rows);
}
