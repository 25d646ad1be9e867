/**
 * What a queue costs, with Redis, client, workers and store on one machine.
 *
 *   npm run bench:workers -- [--parts added,throughput,tenants] [--workflows N] [--steps N] [--rounds N] [--s3]
 *
 *   --parts         what is measured (all)
 *   --workflows N   of one step each, here and by a queue in turn (60)
 *   --steps N       that each fleet is given in a round (200)
 *   --rounds N      of all fleets, in another order each (2)
 *   --s3            the store is an S3 (s3rver) on this machine, and not a folder
 *
 * Workers are processes of the command line, and share no cache: each is a machine of its own to the others.
 */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { tableFromArrays } from 'apache-arrow';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { openStore, Renderer, type Rendering, type WorkerStats, type Workflow } from '../renderer/index.js';
import { startCli, type Started } from '../test/helpers/cli.js';
import { eventually } from '../test/helpers/eventually.js';
import { startRedis } from '../test/helpers/redis-server.js';
import { startS3 } from '../test/helpers/s3-server.js';
import { freePort } from '../test/helpers/server-process.js';
import { describe } from './machine.js';
import { seededRandom } from './random.js';
import { summarize } from './statistics.js';

const PARTS = ['added', 'throughput', 'tenants'] as const;
/** Of the other's, a hundred times as many wait. */
const MODEST = 10;
const GREEDY = 100 * MODEST;
const TABLE_ROWS = 128 * 1024;
const CHAIN = 4;

const { values } = parseArgs({
  options: {
    parts: { type: 'string', default: PARTS.join(',') },
    workflows: { type: 'string', default: '60' },
    steps: { type: 'string', default: '200' },
    rounds: { type: 'string', default: '2' },
    s3: { type: 'boolean', default: false },
  },
});
const [workflows, steps, rounds] = [values.workflows, values.steps, values.rounds].map(Number) as [
  number,
  number,
  number,
];
const parts = new Set(values.parts.split(','));
if (![...parts].every((part) => (PARTS as readonly string[]).includes(part)))
  throw new Error(`--parts has ${PARTS.join(', ')}`);
if (![workflows, steps, rounds].every((count) => Number.isSafeInteger(count) && count > 0))
  throw new Error('--workflows, --steps and --rounds are whole numbers above 0');

const ms = (value: number): string => value.toFixed(value < 10 ? 1 : 0);
const teardowns: (() => unknown)[] = [];
const teardown = (end: () => unknown): void => void teardowns.unshift(end);

/** Nothing of it is known before. */
let unique = 0;
const codeOf = (body: string): string => `// ${process.pid} ${++unique}
const { tableFromArrays } = require('apache-arrow');
exports.render = (table) => { ${body} };`;

const small = (): Workflow => ({
  id: `small-${unique}`,
  tabs: [
    {
      id: 'tab',
      steps: [{ id: 'step', code: codeOf('return tableFromArrays({ a: [Math.random()] });') }],
    },
  ],
});

/** A chain of steps, each of which makes a table of 1 MB of the one before. */
const chain = (): Workflow => ({
  id: `chain-${unique}`,
  tabs: [
    {
      id: 'tab',
      from: 'input',
      steps: Array.from({ length: CHAIN }, (_, n) => ({
        id: `step-${n}`,
        code: codeOf(
          `return tableFromArrays({ a: Float64Array.from(table.getChild('a'), (value) => value + ${unique}) });`,
        ),
      })),
    },
  ],
});

async function finish(rendering: Rendering): Promise<void> {
  using report = await rendering;
  if (report.status !== 'ok') throw new Error(`a workflow is ${report.status}`);
}

class Fleet {
  readonly #started: Started[] = [];
  readonly #ports: number[] = [];

  /** @param options of each */
  static async start(count: number, redis: string, store: string, options: readonly string[] = []) {
    const fleet = new Fleet();
    await Promise.all(Array.from({ length: count }, () => fleet.#add(redis, store, options)));
    return fleet;
  }

  async #add(redis: string, store: string, options: readonly string[]): Promise<void> {
    const port = await freePort();
    const started = startCli(
      ['worker', '--redis', redis, '--store', store, '--listen', String(port), ...options],
      { env: process.env as Record<string, string> },
    );
    teardown(() => started.process.kill('SIGKILL'));
    let said = '';
    started.process.stderr?.on('data', (text) => (said += String(text)));
    await eventually('a worker takes steps', () => said.includes('at once'));
    this.#started.push(started);
    this.#ports.push(port);
  }

  /** Between all of them and the store, in bytes. */
  async moved(): Promise<{ readonly up: number; readonly down: number }> {
    const all = await Promise.all(
      this.#ports.map(async (port) => {
        const answer = await fetch(`http://127.0.0.1:${port}/stats`);
        return ((await answer.json()) as WorkerStats).transferred;
      }),
    );
    const sum = (of: (each: WorkerStats['transferred']) => number): number =>
      all.reduce((total, each) => total + of(each), 0);
    return { up: sum((each) => each.uploadedBytes), down: sum((each) => each.downloadedBytes) };
  }

  async end(): Promise<void> {
    await Promise.all(
      this.#started.map(async ({ process: worker }) => {
        const exited = once(worker, 'exit');
        worker.kill('SIGTERM');
        await exited;
      }),
    );
  }
}

async function added(redis: string, storeUrl: string): Promise<void> {
  await using store = openStore(storeUrl);
  const fleet = await Fleet.start(1, redis, storeUrl);
  const here = await Renderer.start({ store });
  const queued = await Renderer.start({ queue: { connection: redis }, store });
  for (const [name, make, count] of [
    ['a workflow of one step', small, workflows],
    [`a workflow of ${CHAIN} steps, with tables of 1 MB`, chain, Math.ceil(workflows / CHAIN)],
  ] as const) {
    const times: { readonly here: number[]; readonly queued: number[] } = { here: [], queued: [] };
    for (let n = -2; n < count; n++) {
      for (const [where, renderer] of [
        ['here', here],
        ['queued', queued],
      ] as const) {
        const begun = performance.now();
        await finish(renderer.render(make(), { inputs: { input } }));
        if (n >= 0) times[where].push(performance.now() - begun);
      }
    }
    const [one, other] = [summarize(times.here), summarize(times.queued)];
    const stepsOf = make === chain ? CHAIN : 1;
    console.log(
      `${name}: in process p50 ${ms(one.p50)} ms (p25 ${ms(one.p25)}, p75 ${ms(one.p75)}), by a queue ${ms(other.p50)} ms (${ms(other.p25)}, ${ms(other.p75)}); added to a step ${ms((other.p50 - one.p50) / stepsOf)} ms`,
    );
  }
  await here.close();
  await queued.close();
  await fleet.end();
}

const input = tableFromArrays({ a: Float64Array.from({ length: TABLE_ROWS }, (_, n) => n) });

interface Moved {
  readonly rates: number[];
  up: number;
  down: number;
  commands: number;
  cpuMs: number;
  steps: number;
}

/** What Redis has done so far: commands, those of scripts among them, and CPU time. */
async function redisWork(connection: Redis): Promise<{ readonly commands: number; readonly cpuMs: number }> {
  const info = await connection.info();
  const of = (name: string): number => Number(new RegExp(`^${name}:([\\d.]+)`, 'm').exec(info)?.[1]);
  return {
    commands: of('total_commands_processed'),
    cpuMs: 1000 * (of('used_cpu_user') + of('used_cpu_sys')),
  };
}

async function throughput(redis: string, storeUrl: string): Promise<void> {
  await using store = openStore(storeUrl);
  const found = new Map<string, Moved>();
  const connection = new Redis(redis);
  teardown(() => {
    connection.disconnect();
  });
  const random = seededRandom(1);
  for (let round = 0; round < rounds; round++) {
    for (const fleetSize of [0, 1, 2, 3].sort(() => random() - 0.5)) {
      const fleet = await Fleet.start(fleetSize, redis, storeUrl, ['--concurrency', '2']);
      const renderer = await Renderer.start(
        fleetSize === 0 ? { store, maxChildren: 2 } : { store, queue: { connection: redis } },
      );
      await Promise.all([1, 2].map(() => finish(renderer.render(chain(), { inputs: { input } }))));
      const before = { ...(await fleet.moved()), ...(await redisWork(connection)) };
      const begun = performance.now();
      const count = Math.ceil(steps / CHAIN);
      await Promise.all(
        Array.from({ length: count }, () => finish(renderer.render(chain(), { inputs: { input } }))),
      );
      const seconds = (performance.now() - begun) / 1000;
      const after = { ...(await fleet.moved()), ...(await redisWork(connection)) };
      await renderer.close();
      await fleet.end();
      const name = fleetSize === 0 ? 'in process' : `${fleetSize} workers`;
      const result = found.get(name) ?? { rates: [], up: 0, down: 0, commands: 0, cpuMs: 0, steps: 0 };
      found.set(name, result);
      result.rates.push((count * CHAIN) / seconds);
      result.up += after.up - before.up;
      result.down += after.down - before.down;
      result.commands += after.commands - before.commands;
      result.cpuMs += after.cpuMs - before.cpuMs;
      result.steps += count * CHAIN;
    }
  }
  for (const [name, { rates, up, down, commands, cpuMs, steps: done }] of [...found].sort()) {
    const { p50 } = summarize(rates);
    const moved =
      name === 'in process'
        ? ''
        : `; for each step ${Math.round(up / done / 1024)} KiB up and ${Math.round(down / done / 1024)} KiB down, ${Math.round(commands / done)} commands and ${(cpuMs / done).toFixed(2)} ms of CPU time of Redis`;
    console.log(
      `${name}, 2 steps at once each: ${p50.toFixed(1)} steps/s (${rates.map((rate) => rate.toFixed(1)).join(', ')})${moved}`,
    );
  }
}

async function tenants(redis: string, storeUrl: string): Promise<void> {
  await using store = openStore(storeUrl);
  const fleet = await Fleet.start(1, redis, storeUrl, ['--concurrency', '1']);
  const clientOf = (tenant: string): Promise<Renderer> =>
    Renderer.start({ store, queue: { connection: redis, tenant } });
  const modest = await clientOf('modest');
  let ended = 0;
  /** Of each of so many that are asked for at once: until its first call is begun, and what of others is over by then. */
  const waits = async (): Promise<{ readonly ms: number[]; readonly others: number[] }> => {
    const endedBefore = ended;
    const others: number[] = [];
    const times = await Promise.all(
      Array.from({ length: MODEST }, async () => {
        const begun = performance.now();
        const rendering = modest.render(small());
        let waited = NaN;
        for await (const event of rendering)
          if (event.type === 'started' && Number.isNaN(waited)) {
            waited = performance.now() - begun;
            others.push(ended - endedBefore);
          }
        await finish(rendering);
        return waited;
      }),
    );
    return { ms: times, others };
  };
  const connection = new Redis(redis, { maxRetriesPerRequest: null });
  const jobs = new Queue('steps', { connection, prefix: 'nodespawner' });
  teardown(async () => {
    await jobs.close();
    connection.disconnect();
  });
  await waits();
  const ratios: number[] = [];
  for (let round = 0; round < rounds; round++) {
    await eventually('nothing waits', async () => {
      const { prioritized = 0, active = 0, waiting = 0 } = await jobs.getJobCounts();
      return prioritized + active + waiting === 0;
    });
    const alone = summarize((await waits()).ms);
    const greedy = await clientOf('greedy');
    const others = Array.from({ length: GREEDY }, () => greedy.render(small()));
    ended = 0;
    for (const rendering of others) void rendering.then(() => ended++);
    // Half as many as the modest one wants are over: all of the others are in the queue, or about to be.
    while (ended < MODEST / 2) await pause(10);
    const waited = await waits();
    const beside = summarize(waited.ms);
    const left = GREEDY - ended;
    const ahead = Math.max(...waited.others.map((others, n) => others - n));
    await greedy.close();
    await Promise.allSettled(others);
    ratios.push(beside.mean / alone.mean);
    console.log(
      `one of ${MODEST} waits ${ms(alone.mean)} ms on average alone, ${ms(beside.mean)} ms beside ${left} to ${GREEDY} of another tenant: ${(beside.mean / alone.mean).toFixed(2)} times as long; the other one was never ahead by more than ${ahead} steps`,
    );
  }
  console.log(`waiting times beside another tenant: ${summarize(ratios).p50.toFixed(2)} times those alone`);
  await modest.close();
  await fleet.end();
}

try {
  const dir = mkdtempSync(path.join(tmpdir(), 'nodespawner-bench-workers-'));
  teardown(() => {
    rmSync(dir, { recursive: true, force: true });
  });
  const redis = await startRedis({ teardown });
  const s3 = values.s3 ? await startS3({ teardown }) : undefined;
  Object.assign(process.env, s3?.env);
  const store = s3?.url() ?? pathToFileURL(dir).href;
  const { machine, cpu, cores, kernel, loadBefore, commit, date } = describe();
  console.log(
    `${machine}, ${cores} cores (${cpu}), kernel ${kernel}, Node ${process.version}, load ${loadBefore.join(' ')}, commit ${commit}, ${date}; store: ${s3 ? 's3rver' : 'a folder'}`,
  );
  if (parts.has('added')) await added(redis.url, store);
  if (parts.has('throughput')) await throughput(redis.url, store);
  if (parts.has('tenants')) await tenants(redis.url, store);
} finally {
  for (const end of teardowns) await end();
}
