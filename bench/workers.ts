/**
 * What the queue adds to a workflow of one step, with Redis, client and worker on one machine.
 *
 *   node dist/bench/workers.js REDIS [WORKFLOWS]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { folderStore, Renderer, RendererWorker } from '../renderer/index.js';

const [connection = 'redis://127.0.0.1:6379', count = '60'] = process.argv.slice(2);
const dir = mkdtempSync(path.join(tmpdir(), 'nodespawner-bench-workers-'));
const queue = { connection, prefix: `bench-${process.pid}` };
const store = folderStore({ dir });

/** In milliseconds; nothing of it is known before. */
async function measure(what: string, renderer: Renderer): Promise<void> {
  const times: number[] = [];
  for (let n = 0; n < Number(count); n++) {
    const code = `// ${what} ${n}
const { tableFromArrays } = require('apache-arrow');
exports.render = () => tableFromArrays({ a: [${n}] });`;
    const begun = performance.now();
    using report = await renderer.render({
      id: `${n}`,
      tabs: [{ id: 'tab', steps: [{ id: 'step', code }] }],
    });
    if (report.status !== 'ok') throw new Error(`a workflow is ${report.status}`);
    times.push(performance.now() - begun);
  }
  times.sort((a, b) => a - b);
  const at = (share: number): string => (times[Math.floor(times.length * share)] ?? NaN).toFixed(0);
  console.log(`${what}: p50 ${at(0.5)} ms, p90 ${at(0.9)} ms`);
}

try {
  const alone = await Renderer.start({ store });
  await measure('in process', alone);
  await alone.close();
  const worker = await RendererWorker.start({ queue, store });
  const client = await Renderer.start({ queue, store });
  await measure('by a queue', client);
  await client.close();
  await worker.close();
} finally {
  rmSync(dir, { recursive: true, force: true });
}
