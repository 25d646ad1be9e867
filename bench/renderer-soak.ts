/**
 * Do hundreds of workflows at once, a tenth of whose steps are hostile, each come to what they should, and is nothing left
 * of them?
 *
 *   npm run soak:renderer -- [--workflows N] [--minutes N] [--at-once N] [--seed N] [--here]
 *
 *   --workflows N   how many (200)
 *   --minutes N     as many as can be rendered in that time instead
 *   --at-once N     how many of them at the same time (20)
 *   --seed N        of which kinds they are (any)
 *   --here          in this process, with the flags of Node that it has
 *
 * Ends with exit code 1 if anything was not as it should be.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, realpathSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Renderer, type RendererStats } from '../renderer/index.js';
import { collectGarbage } from '../test/helpers/garbage.js';
import { markedProcesses } from '../test/helpers/processes.js';
import { MARK, newMark } from '../test/helpers/zygote.js';
import {
  fdsOf,
  grownMemory,
  hostMemory,
  megabytes,
  SMALL_YOUNG_GENERATION,
  type HostMemory,
} from './footprint.js';
import { seededRandom } from './random.js';
import { check, makeWorkflow, outcomeOf, settled } from './soak-workflows.js';

export interface RendererSoakPlan {
  /** How many, or for how long. */
  readonly until: { readonly workflows: number } | { readonly minutes: number };
  readonly atOnce: number;
  readonly seed: number;
}

export interface RendererSoakReport {
  readonly workflows: number;
  readonly seconds: number;
  /** After a tenth of it, and at the end. */
  readonly memory: readonly [before: HostMemory, after: HostMemory];
  readonly stats: RendererStats;
  /** How many steps there were of each status, or had each error. */
  readonly outcomes: Readonly<Record<string, number>>;
  /** From the call of render() to the report, in milliseconds. */
  readonly medianMs: number;
  readonly problems: readonly string[];
}

const CACHE_BYTES = 4_000_000;
export async function soakRenderer({ until, atOnce, seed }: RendererSoakPlan): Promise<RendererSoakReport> {
  const random = seededRandom(seed);
  const dir = mkdtempSync(path.join(tmpdir(), 'nodespawner-renderer-soak-'));
  const mark = newMark();
  const problems: string[] = [];
  const outcomes: Record<string, number> = {};
  const times: number[] = [];
  const started = performance.now();
  const renderer = await Renderer.start({
    env: { [MARK]: mark },
    cache: { dir, maxBytes: CACHE_BYTES },
    limits: { timeoutMs: 5_000, memoryBytes: 256 * 2 ** 20, outputBytes: 2 ** 20 },
  });
  let count = 0;
  const isReached = (share: number): boolean =>
    'workflows' in until
      ? count >= Math.ceil(share * until.workflows)
      : performance.now() - started >= share * until.minutes * 60_000;
  const work = async (share: number): Promise<void> => {
    while (!isReached(share)) {
      const { workflow, tabs } = makeWorkflow(count++, random);
      using report = await renderer.render(workflow);
      times.push(report.ms);
      const reports = new Map(report.steps.map((step) => [step.step, step]));
      for (const step of report.steps) outcomes[outcomeOf(step)] = (outcomes[outcomeOf(step)] ?? 0) + 1;
      for (const steps of tabs)
        problems.push(...check(steps, reports).map((text) => `${workflow.id}: ${text}`));
    }
  };
  const workUntil = async (share: number): Promise<HostMemory> => {
    await Promise.all(Array.from({ length: atOnce }, () => work(share)));
    return hostMemory();
  };
  const fds = fdsOf(process.pid);
  try {
    const memory = [await workUntil(0.1), await workUntil(1)] as const;
    problems.push(...grownMemory(...memory));
    const { stats } = renderer;
    if (stats.children.running > 0 || stats.children.queued > 0)
      problems.push('children are left in the queue');
    await renderer.close();
    problems.push(...(await settled('processes are left', () => markedProcesses(mark).length === 0)));
    const isClosed = (): boolean => {
      collectGarbage();
      return fdsOf(process.pid) <= fds;
    };
    problems.push(...(await settled(`${fds} descriptors before, ${fdsOf(process.pid)} after`, isClosed)));
    const isUnmapped = (): boolean => {
      collectGarbage();
      return !readFileSync('/proc/self/maps', 'utf8').includes('memfd:nodespawner');
    };
    problems.push(...(await settled('tables are still mapped', isUnmapped)));
    const bytes = readdirSync(dir).reduce((sum, name) => sum + statSync(path.join(dir, name)).size, 0);
    if (bytes > CACHE_BYTES) problems.push(`the cache has ${bytes} bytes`);
    const medianMs = times.sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0;
    const seconds = (performance.now() - started) / 1000;
    return { workflows: count, seconds, memory, stats, outcomes, medianMs, problems };
  } finally {
    await renderer.close();
    rmSync(dir, { recursive: true, force: true });
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      workflows: { type: 'string', default: '200' },
      minutes: { type: 'string' },
      'at-once': { type: 'string', default: '20' },
      seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 32)) },
      here: { type: 'boolean', default: false },
    },
  });
  if (!values.here) {
    const args = [SMALL_YOUNG_GENERATION, fileURLToPath(import.meta.url), '--here', ...process.argv.slice(2)];
    process.exitCode = spawnSync(process.execPath, args, { stdio: 'inherit' }).status ?? 1;
    return;
  }
  const { minutes } = values;
  const until =
    minutes === undefined ? { workflows: Number(values.workflows) } : { minutes: Number(minutes) };
  const plan = {
    until,
    atOnce: Number(values['at-once']),
    seed: Number(values.seed),
  };
  if (!Object.values(until).every((number) => number > 0) || !(plan.atOnce >= 1))
    throw new Error('--workflows, --minutes and --at-once must be positive');
  const { workflows, seconds, memory, stats, outcomes, medianMs, problems } = await soakRenderer(plan);
  console.log(`Node ${process.version}, seed ${plan.seed}: ${workflows} workflows, ${plan.atOnce} at once`);
  console.log(
    `${stats.children.spawned} children in ${seconds.toFixed(0)} s; a workflow takes ${medianMs.toFixed(0)} ms (median)`,
  );
  console.log(`steps: ${JSON.stringify(outcomes)}`);
  console.log(`tables: ${JSON.stringify(stats.tables)}, cache: ${JSON.stringify(stats.cache)}`);
  for (const key of ['heap', 'resident'] as const) {
    const [before, after] = memory.map((each) => megabytes(each[key]));
    console.log(`${key} memory of the host: ${before} after a tenth, ${after} at the end`);
  }
  console.log(`problems: ${problems.length}`);
  for (const problem of problems.slice(0, 50)) console.log(`  - ${problem}`);
  process.exitCode = problems.length === 0 ? 0 : 1;
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url))
  await main();
