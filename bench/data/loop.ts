/**
 * For how long does a result hold up the event loop of the host, which reads it, checks it and opens it? Beside results
 * without a table, and beside opening the same bytes with apache-arrow, which checks nothing.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { tableFromIPC, tableToIPC } from 'apache-arrow';
import { Zygote } from '../../lib/index.js';
import { collectGarbage } from '../../test/helpers/garbage.js';
import { ms, size as sizeText, table } from '../report/text.js';
import { summarize } from '../statistics.js';

export interface LoopPlan {
  /** Of the tables, in bytes. */
  readonly sizes: readonly number[];
  readonly rounds: number;
}

export interface Held {
  readonly kind: string;
  readonly size: number;
  /** The longest that the loop was held up during a call, for each call, in milliseconds. */
  readonly held: readonly number[];
  /** From the call to the result, in milliseconds. */
  readonly total: readonly number[];
  /** To open the same bytes with apache-arrow, in milliseconds; undefined if there is no table. */
  readonly open: number | undefined;
}

const NOTHING = 'no table';
const KINDS = [NOTHING, 'float64', 'utf8', 'float64, 1000 batches'];

/** Tables of a kind and of a number of bytes. */
const CODE = `
const { Float64, makeData, RecordBatch, Schema, Field, Struct, Table, Utf8, Vector } = require('apache-arrow');

function batchOf(kind, bytes) {
  const isText = kind === 'utf8';
  const length = Math.max(1, Math.floor(bytes / (isText ? 12 : 8)));
  const data = isText
    ? makeData({ type: new Utf8(), length, valueOffsets: Int32Array.from({ length: length + 1 }, (_, i) => 8 * i), data: new Uint8Array(8 * length).fill(97) })
    : makeData({ type: new Float64(), length, data: new Float64Array(length).fill(1) });
  const schema = new Schema([new Field('value', data.type, false)]);
  return new RecordBatch(schema, makeData({ type: new Struct(schema.fields), length, nullCount: 0, children: [data] }));
}

module.exports = ({ params: { kind, bytes } }) => {
  if (kind === '${NOTHING}') return null;
  const count = kind.endsWith('batches') ? 1000 : 1;
  return new Table(Array.from({ length: count }, () => batchOf(kind, bytes / count)));
};`;

async function hold(
  zygote: Zygote,
  kind: string,
  bytes: number,
): Promise<{ held: number; total: number; open: number | undefined }> {
  // What earlier calls left is let go of before, and not while this one is measured.
  for (let i = 0; i < 2; i++) {
    collectGarbage();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const delays = monitorEventLoopDelay({ resolution: 1 });
  delays.enable();
  const since = performance.now();
  const { tables } = await zygote.run(
    CODE,
    { params: { kind, bytes } },
    { maxTableBytes: 2 * bytes + 2 ** 20, timeoutMs: 300_000 },
  );
  const total = performance.now() - since;
  // What came last is counted when the loop has gone round.
  await new Promise((resolve) => setTimeout(resolve, 5));
  delays.disable();
  const held = delays.max / 1e6;
  if (tables.table === undefined) return { held, total, open: undefined };
  const ipc = tableToIPC(tables.table, 'file');
  const opened = performance.now();
  tableFromIPC(ipc);
  return { held, total, open: performance.now() - opened };
}

/** Each kind in turn, and the sizes from the smallest to the largest. */
export async function measureLoop({ sizes, rounds }: LoopPlan): Promise<{ loops: Held[]; starts: number }> {
  const largest = Math.max(...sizes);
  const limits = { memoryBytes: 4 * largest + 2 ** 28, fileBytes: 2 * largest + 2 ** 20 };
  await using zygote = await Zygote.start({ preload: ['apache-arrow'], sandbox: { limits } });
  const loops: Held[] = [];
  let starts = 0;
  for (const size of sizes) {
    const found = new Map(
      KINDS.map((kind) => [kind, { held: [] as number[], total: [] as number[], open: [] as number[] }]),
    );
    for (let round = 0; round < rounds; round++) {
      for (const [kind, series] of found) {
        const { held, total, open } = await hold(zygote, kind, size);
        starts++;
        series.held.push(held);
        series.total.push(total);
        if (open !== undefined) series.open.push(open);
      }
    }
    for (const [kind, { held, total, open }] of found)
      loops.push({ kind, size, held, total, open: open.length === 0 ? undefined : summarize(open).p50 });
  }
  return { loops, starts };
}

export function reportLoop(loops: readonly Held[]): string {
  const rows = loops.map(({ kind, size, held, total, open }) => {
    const { count, p50 } = summarize(held);
    return [
      kind,
      sizeText(size),
      String(count),
      ms(p50),
      ms(Math.max(...held)),
      ms(summarize(total).p50),
      open === undefined ? '' : ms(open),
    ];
  });
  return table(['result', 'size', 'count', 'held up, p50', 'most', 'call, p50', 'only opened, p50'], rows);
}
