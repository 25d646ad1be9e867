/**
 * Do hundreds of workflows, a tenth of whose steps are hostile, each come to what they should, once, while workers are killed,
 * Redis is restarted and the store refuses and delays? And is nothing left of them on any worker?
 *
 *   npm run soak:workers -- [--workflows N] [--minutes N] [--at-once N] [--workers N] [--seed N] [--folder]
 *
 *   --workflows N   how many (1000)
 *   --minutes N     as many as can be begun in that time instead
 *   --at-once N     how many of them at the same time (20)
 *   --workers N     how many workers, each a process (3)
 *   --seed N        of which kinds they are (any)
 *   --folder        the store is a folder, which never refuses
 *
 * Ends with exit code 1 if anything was not as it should be.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, utimesSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { CacheFolder } from '../renderer/cache-folder.js';
import { openStore, Renderer } from '../renderer/index.js';
import { collectGarbage } from '../test/helpers/garbage.js';
import { controlGroupsOf, markedProcesses, zygoteTree } from '../test/helpers/processes.js';
import { startRedis, type RedisServer } from '../test/helpers/redis-server.js';
import { startS3, type Fault } from '../test/helpers/s3-server.js';
import { newMark } from '../test/helpers/zygote.js';
import { fdsOf } from './footprint.js';
import { seededRandom } from './random.js';
import { check, makeWorkflow, outcomeOf, settled } from './soak-workflows.js';
import type { WorkerEnd, WorkerSetup } from './workers-soak-worker.js';

export interface WorkersSoakPlan {
  /** How many, or for how long. */
  readonly until: { readonly workflows: number } | { readonly minutes: number };
  readonly atOnce: number;
  readonly workers: number;
  readonly seed: number;
  readonly store: 's3' | 'folder';
  /** Between two kills, restarts and times in which the store is away, in milliseconds: from so long to three times that. */
  readonly everyMs: { readonly kill: number; readonly restart: number; readonly away: number };
  /** Of workers. A step whose worker vanishes more than three times is given up, however well all goes. @default no limit */
  readonly mostKills?: number;
}

export interface WorkersSoakReport {
  readonly workflows: number;
  readonly seconds: number;
  readonly medianMs: number;
  readonly slowestMs: number;
  readonly kills: number;
  readonly restarts: number;
  /** Requests to the store, and how many of them were refused, delayed, cut or damaged. */
  readonly requests: number;
  readonly faults: number;
  /** How many steps there were of each status, or had each error. */
  readonly outcomes: Readonly<Record<string, number>>;
  readonly problems: readonly string[];
}

const LOCK_MS = 2_000;
const AWAY_MS = 1_500;
/** Who has not come to an end by then never will. */
const PATIENCE_MS = 180_000;
const PROGRAM = fileURLToPath(new URL('workers-soak-worker.js', import.meta.url));

/** One place of the fleet: a worker that is started again whenever it was killed. */
class Place {
  readonly #setup: Omit<WorkerSetup, 'mark'>;
  readonly #tmp: string;
  #mark = '';
  #launcher: number | undefined;
  #process: ChildProcess | undefined;
  /** What it printed last. */
  #printed = '';
  /** Those that nobody had ended. */
  readonly crashes: string[] = [];

  constructor(setup: Omit<WorkerSetup, 'mark'>, tmp: string) {
    this.#setup = setup;
    this.#tmp = tmp;
  }

  /** Resolves when it takes steps. */
  async start(): Promise<void> {
    this.#mark = newMark();
    const setup: WorkerSetup = { ...this.#setup, mark: this.#mark };
    const child = fork(PROGRAM, [JSON.stringify(setup)], {
      env: { ...process.env, TMPDIR: this.#tmp },
      execArgv: [],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    this.#process = child;
    this.#printed = '';
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#printed = (this.#printed + text).slice(-2_000);
      });
    const ended = once(child, 'exit').then(() => 'ended');
    const ready = once(child, 'message').then(() => 'ready');
    if ((await Promise.race([ended, ready])) === 'ended')
      throw new Error(`a worker has not started: ${this.#printed}`);
    child.once('exit', (code, signal) => {
      // Ended on purpose, it is forgotten before.
      if (this.#process === child)
        this.crashes.push(`a worker has ended of itself: ${code ?? signal}: ${this.#printed}`);
    });
    this.#launcher = zygoteTree(this.#mark)?.launcher.pid;
  }

  /** As the kernel's OOM killer does, or a machine that loses power. @returns what is left of it */
  async kill(): Promise<string[]> {
    await this.#end((child) => child.kill('SIGKILL'));
    return this.#left();
  }

  /** Closes it, and has it say what it still holds. */
  async close(): Promise<WorkerEnd> {
    const child = this.#process;
    if (child?.exitCode !== null || child.signalCode !== null)
      return { problems: [...this.crashes], steps: 0, failed: 0, failures: [] };
    child.send('end');
    const [said] = (await once(child, 'message')) as [WorkerEnd];
    const left = await this.#left();
    await this.#end(() => {
      child.disconnect();
    });
    return { ...said, problems: [...this.crashes, ...said.problems, ...left] };
  }

  async #end(how: (child: ChildProcess) => unknown): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child?.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    how(child);
    await ended;
  }

  async #left(): Promise<string[]> {
    const launcher = this.#launcher;
    return [
      ...(await settled('processes of a worker are left', () => markedProcesses(this.#mark).length === 0)),
      ...(launcher === undefined
        ? []
        : await settled('control groups of a worker are left', () => controlGroupsOf(launcher).length === 0)),
    ];
  }
}

/** What happens now and then until it is stopped. */
function everyNowAndThen(leastMs: number, random: () => number, what: () => Promise<void>) {
  const stopped = new AbortController();
  const run = async (): Promise<void> => {
    for (;;) {
      const ms = leastMs * (1 + 2 * random());
      await pause(ms, undefined, { signal: stopped.signal }).catch(() => undefined);
      if (stopped.signal.aborted) return;
      await what();
    }
  };
  const done = run();
  // What fails is heard of by whoever stops it.
  done.catch(() => undefined);
  return async (): Promise<void> => {
    stopped.abort();
    await done;
  };
}

/** A tenth of all requests, and each of them while it is away. */
function storeFault(random: () => number, isAway: boolean): Fault | undefined {
  if (isAway) return random() < 0.5 ? 'refuse' : { status: 503 };
  const faults: readonly Fault[] = [
    'refuse',
    { status: 503 },
    { status: 500 },
    { delayMs: 100 + Math.floor(random() * 900) },
    { cutDownloadAfter: 100 },
    'damageDownload',
  ];
  return random() < 0.1 ? faults[Math.floor(random() * faults.length)] : undefined;
}

async function restart(redis: RedisServer, random: () => number): Promise<void> {
  await redis.stop(random() < 0.5 ? 'SIGKILL' : 'SIGTERM');
  await pause(random() * 1_500);
  await redis.start();
}

/** Jobs that are not over, or failed, and the locks of those that nobody has any more. */
async function leftInQueue(redis: RedisServer, jobs: number): Promise<string[]> {
  const connection = new Redis(redis.url, { maxRetriesPerRequest: null });
  const queue = new Queue('steps', { connection, prefix: 'nodespawner' });
  try {
    const problems: string[] = [];
    const deadline = performance.now() + 20_000;
    for (;;) {
      problems.length = 0;
      const { completed = 0, ...others } = await queue.getJobCounts();
      for (const [state, count] of Object.entries(others))
        if (count > 0) problems.push(`${count} jobs are ${state}`);
      // BullMQ keeps no more of them.
      if (completed < Math.min(jobs, 9_000)) problems.push(`${completed} jobs are completed of ${jobs}`);
      if (completed > jobs) problems.push(`${completed} jobs are completed, and there were only ${jobs}`);
      const locks = await connection.keys('nodespawner:steps:*:lock');
      if (locks.length > 0) problems.push(`${locks.length} jobs are locked`);
      if (problems.length === 0 || performance.now() > deadline) return problems;
      await pause(100);
    }
  } finally {
    await queue.close();
    connection.disconnect();
  }
}

/** What workers that were killed had begun to write is removed by the next that looks, ten minutes later. */
async function leftInCache(dir: string): Promise<string[]> {
  const isTemporary = (name: string): boolean => name.startsWith('.tmp-');
  const longAgo = new Date(Date.now() - 3_600_000);
  for (const name of readdirSync(dir).filter(isTemporary)) utimesSync(path.join(dir, name), longAgo, longAgo);
  await CacheFolder.open(dir, 4_000_000);
  return readdirSync(dir)
    .filter(isTemporary)
    .map((name) => `${name} is left in the cache`);
}

export async function soakWorkers(plan: WorkersSoakPlan): Promise<WorkersSoakReport> {
  const { until, atOnce, seed, everyMs } = plan;
  const random = seededRandom(seed);
  // What happens when depends on the time, and must not change what the workflows are.
  const chance = seededRandom(seed + 1);
  const teardowns: (() => unknown)[] = [];
  const teardown = (end: () => unknown): void => void teardowns.unshift(end);
  try {
    const dir = mkdtempSync(path.join(os.tmpdir(), 'nodespawner-workers-soak-'));
    teardown(() => {
      rmSync(dir, { recursive: true, force: true });
    });
    const [tables, tmp, cache] = ['tables', 'tmp', 'cache'].map((name) => path.join(dir, name)) as [
      string,
      string,
      string,
    ];
    for (const folder of [tables, tmp, cache]) mkdirSync(folder);
    const redis = await startRedis({ teardown });
    const s3 = plan.store === 's3' ? await startS3({ teardown }) : undefined;
    // Workers inherit them; in a URL they may not be.
    Object.assign(process.env, s3?.env);
    const url = s3?.url() ?? pathToFileURL(tables).href;
    const setup = { redis: redis.url, store: url, cache, lockMs: LOCK_MS };
    const problems: string[] = [];

    let isAway = false;
    let faults = 0;
    if (s3 !== undefined) {
      s3.fault = () => {
        const fault = storeFault(chance, isAway);
        if (fault !== undefined) faults++;
        return fault;
      };
    }
    const places = Array.from({ length: plan.workers }, () => new Place(setup, tmp));
    teardown(() => Promise.all(places.map((place) => place.kill())));
    await Promise.all(places.map((place) => place.start()));
    const fds = fdsOf(process.pid);
    const store = openStore(url);
    const renderer = await Renderer.start({ queue: { connection: redis.url }, store });
    teardown(() => renderer.close());

    let kills = 0;
    let restarts = 0;
    const started = performance.now();
    const stops = [
      everyNowAndThen(everyMs.kill, chance, async () => {
        const place = places[Math.floor(chance() * places.length)];
        if (place === undefined || kills === plan.mostKills) return;
        kills++;
        problems.push(...(await place.kill()));
        // A worker does not start without Redis: whoever operates it starts it again.
        for (let tries = 0; ; tries++) {
          try {
            await place.start();
            return;
          } catch (error) {
            if (tries === 5) throw error;
          }
        }
      }),
      everyNowAndThen(everyMs.restart, chance, async () => {
        restarts++;
        await restart(redis, chance);
      }),
      everyNowAndThen(everyMs.away, chance, async () => {
        isAway = true;
        await pause(AWAY_MS);
        isAway = false;
      }),
    ];

    const outcomes: Record<string, number> = {};
    const times: number[] = [];
    let count = 0;
    let jobs = 0;
    const isReached = (): boolean =>
      'workflows' in until ? count >= until.workflows : performance.now() - started >= until.minutes * 60_000;
    const work = async (): Promise<void> => {
      while (!isReached()) {
        const { workflow, tabs } = makeWorkflow(count++, random);
        const begun = performance.now();
        const rendering = renderer.render(workflow);
        const timer = setTimeout(() => {
          problems.push(`${workflow.id} has no end after ${PATIENCE_MS / 1000} s`);
          rendering.cancel();
        }, PATIENCE_MS);
        const dones: string[] = [];
        for await (const event of rendering) if (event.type === 'done') dones.push(event.step);
        using report = await rendering;
        clearTimeout(timer);
        times.push(performance.now() - begun);
        if (new Set(dones).size < dones.length) problems.push(`${workflow.id}: a step is done twice`);
        const reports = new Map(report.steps.map((step) => [step.step, step]));
        for (const step of report.steps) {
          const outcome = outcomeOf(step);
          outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
          if (outcome !== 'unreachable') jobs++;
        }
        jobs++;
        for (const steps of tabs)
          problems.push(...check(steps, reports).map((text) => `${workflow.id}: ${text}`));
      }
    };
    await Promise.all(Array.from({ length: atOnce }, work));
    const seconds = (performance.now() - started) / 1000;
    // One that a Redis that is away holds up is let go on.
    for (const stop of stops) await stop();
    problems.push(...(await leftInQueue(redis, jobs)));
    await renderer.close();
    await store.close();
    const ends = await Promise.all(places.map((place) => place.close()));
    for (const end of ends) problems.push(...end.problems, ...end.failures);
    const isClosed = (): boolean => {
      collectGarbage();
      // The channels of the workers are closed as well.
      return fdsOf(process.pid) <= fds;
    };
    problems.push(...(await settled('the client has more descriptors than before', isClosed)));
    problems.push(...readdirSync(tmp).map((name) => `${name} is left in the temporary folder`));
    problems.push(...(await leftInCache(cache)));
    times.sort((a, b) => a - b);
    return {
      workflows: count,
      seconds,
      medianMs: times[Math.floor(times.length / 2)] ?? NaN,
      slowestMs: times.at(-1) ?? NaN,
      kills,
      restarts,
      requests: s3?.seen.length ?? 0,
      faults,
      outcomes,
      problems,
    };
  } finally {
    for (const end of teardowns) await end();
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      workflows: { type: 'string', default: '1000' },
      minutes: { type: 'string' },
      'at-once': { type: 'string', default: '20' },
      workers: { type: 'string', default: '3' },
      seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 32)) },
      folder: { type: 'boolean', default: false },
    },
  });
  const { minutes } = values;
  const plan: WorkersSoakPlan = {
    until: minutes === undefined ? { workflows: Number(values.workflows) } : { minutes: Number(minutes) },
    atOnce: Number(values['at-once']),
    workers: Number(values.workers),
    seed: Number(values.seed),
    store: values.folder ? 'folder' : 's3',
    everyMs: { kill: 4_000, restart: 15_000, away: 10_000 },
  };
  if (![...Object.values(plan.until), plan.atOnce, plan.workers].every((number) => number > 0))
    throw new Error('--workflows, --minutes, --at-once and --workers must be positive');
  const report = await soakWorkers(plan);
  console.log(
    `Node ${process.version}, seed ${plan.seed}, store ${plan.store}: ${report.workflows} workflows, ${plan.atOnce} at once, ${plan.workers} workers`,
  );
  console.log(
    `${report.seconds.toFixed(0)} s; a workflow takes ${report.medianMs.toFixed(0)} ms (median), ${report.slowestMs.toFixed(0)} ms at most`,
  );
  console.log(
    `workers killed: ${report.kills}, Redis restarted: ${report.restarts}, faults of the store: ${report.faults} of ${report.requests} requests`,
  );
  console.log(`steps: ${JSON.stringify(report.outcomes)}`);
  console.log(`problems: ${report.problems.length}`);
  for (const problem of report.problems.slice(0, 50)) console.log(`  - ${problem}`);
  process.exitCode = report.problems.length === 0 ? 0 : 1;
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url))
  await main();
