/**
 * How fast do tables go into a store and come out of it, into memory that children map, beside a plain copy of a file? The S3 is
 * s3rver on this machine, so what is measured is the way there and back and no network.
 *
 *   node dist/bench/store.js [--rounds N] [--size BYTES]
 *
 *   --rounds N   how often each thing is done (10)
 *   --size N     of the largest table, in bytes (200 MB)
 */
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { tableFromArrays, tableToIPC } from 'apache-arrow';
import { folderStore, s3Store, type ObjectStore } from '../renderer/index.js';
import { TableExchange } from '../renderer/store/table-exchange.js';
import { TableStore } from '../renderer/table-store.js';
import { Telemetry } from '../renderer/telemetry.js';
import { startS3 } from '../test/helpers/s3-server.js';
import { describe } from './machine.js';
import { median } from './statistics.js';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '10' },
    size: { type: 'string', default: String(200 * 2 ** 20) },
  },
});
const rounds = Number(values.rounds);
const largest = Number(values.size);
const NEVER = new AbortController().signal;
const teardowns: (() => unknown)[] = [];
const teardown = (end: () => unknown): void => void teardowns.unshift(end);

const { machine, cpu, cores, memoryGb, kernel, system, commit, date, command } = describe();
console.log(`${machine}: ${cores} cores of ${cpu}, ${memoryGb} GB, ${system}, kernel ${kernel}
commit ${commit}, ${date}, Node ${process.version}, load ${(os.loadavg()[0] ?? NaN).toFixed(1)}: ${command}\n`);

const telemetry = new Telemetry(undefined, () => {
  throw new Error('nobody looks');
});

interface Timed {
  readonly ms: number[];
}

async function timed(into: Timed, task: () => Promise<unknown>): Promise<void> {
  const startedAt = performance.now();
  await task();
  into.ms.push(performance.now() - startedAt);
}

/** A table of about this size, other each time. */
function tableOf(bytes: number, round: number): Uint8Array {
  const numbers = new Int32Array(Math.ceil(bytes / 4)).fill(round);
  for (let n = 0; n < numbers.length; n += 7) numbers[n] = n ^ round;
  return tableToIPC(tableFromArrays({ numbers }));
}

function row(what: string, bytes: number, { ms }: Timed, memory = ''): void {
  const p50 = median(ms);
  const rate = (bytes / 1e6 / (p50 / 1000)).toFixed(bytes < 1e5 ? 1 : 0);
  console.log(`${what.padEnd(34)} ${p50.toFixed(1).padStart(9)} ms ${rate.padStart(8)} MB/s  ${memory}`);
}

const dir = mkdtempSync(path.join(os.tmpdir(), 'nodespawner-bench-store-'));
teardown(() => {
  rmSync(dir, { recursive: true });
});
try {
  const server = await startS3({ teardown });
  const stores: Readonly<Record<string, ObjectStore>> = {
    folder: folderStore({ dir: path.join(dir, 'store') }),
    s3: s3Store({ ...server.options(), endpoint: server.direct }),
  };
  for (const size of [2 ** 10, 2 ** 20, largest]) {
    const bytes = tableOf(size, 0).byteLength;
    console.log(`${(bytes / 1e6).toFixed(3)} MB, p50 of ${rounds}`);
    const copy: Timed = { ms: [] };
    const file = path.join(dir, 'file');
    for (let round = 0; round < rounds; round++) {
      writeFileSync(file, tableOf(size, round));
      await timed(copy, () => {
        copyFileSync(file, `${file}-${round}`);
        return Promise.resolve();
      });
      rmSync(`${file}-${round}`);
    }
    row('copy of a file', bytes, copy);
    for (const [name, store] of Object.entries(stores)) {
      const put: Timed = { ms: [] };
      const again: Timed = { ms: [] };
      const get: Timed = { ms: [] };
      let heap = 0;
      for (let round = 0; round < rounds; round++) {
        const [one, another] = [new TableStore(0), new TableStore(0)];
        const from = new TableExchange({ memory: one, files: undefined, store }, telemetry);
        const to = new TableExchange({ memory: another, files: undefined, store }, telemetry);
        const stored = await one.add(tableOf(size, round));
        await timed(put, () => from.publish(stored, NEVER));
        await timed(again, () => from.publish(stored, NEVER));
        globalThis.gc?.();
        const before = process.memoryUsage();
        let most = 0;
        const watch = setInterval(() => {
          const { heapUsed, arrayBuffers } = process.memoryUsage();
          most = Math.max(most, heapUsed + arrayBuffers - before.heapUsed - before.arrayBuffers);
        }, 5);
        await timed(get, async () => {
          (await to.tableOf(stored, NEVER)).release();
        });
        clearInterval(watch);
        heap = Math.max(heap, most);
        stored.release();
      }
      row(`${name}: put`, bytes, put);
      row(`${name}: put what is there`, bytes, again);
      row(`${name}: get`, bytes, get, `heap and buffers at most ${(heap / 1e6).toFixed(1)} MB more`);
    }
    console.log('');
  }
} finally {
  telemetry.close();
  for (const end of teardowns) await end();
}
