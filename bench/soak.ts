/**
 * Do thousands of children of one zygote all do what they should, on cores that have too much to do, and is nothing left
 * of them?
 *
 *   npm run soak -- [--spawns N] [--at-once N] [--nodes] [--only 20,24] [--here]
 *
 *   --spawns N    how many children (10000)
 *   --at-once N   how many of them at the same time (three for each core)
 *   --nodes       on each version in test/nodes, one after the other; --only: on some of them
 *   --here        in this process, with the flags of Node that it has
 *
 * Ends with exit code 1 if anything was not as it should be.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, realpathSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Zygote } from '../lib/index.js';
import { descendantsOf, zygoteTree } from '../test/helpers/processes.js';
import { MARK, newMark } from '../test/helpers/zygote.js';
import {
  fdsOf,
  grown,
  grownMemory,
  hostMemory,
  megabytes,
  networksOf,
  residentBytes,
  SMALL_YOUNG_GENERATION,
  type HostMemory,
} from './footprint.js';
import { JOBS } from './soak-jobs.js';

/** What is measured before and after, when no child runs. */
interface Footprint {
  readonly hostFds: number;
  readonly zygoteFds: number;
  readonly initFds: number;
  /** Network namespaces that init keeps, beside those descriptors. */
  readonly initNetworks: number;
  readonly host: HostMemory;
  readonly zygoteMemory: number;
}

export interface SoakReport {
  readonly spawns: number;
  readonly seconds: number;
  readonly threads: number;
  readonly perJob: Readonly<Record<string, number>>;
  readonly before: Footprint;
  readonly after: Footprint;
  /** All that was not as it should be. */
  readonly problems: readonly string[];
}

export interface SoakPlan {
  readonly spawns: number;
  readonly atOnce: number;
}

/** Beyond this, the memory of the zygote is not flat. */
const ZYGOTE_SLACK = 4 * 2 ** 20;
/** As many children as are kept parked all the time. */
const PARKED = 2;
/** As many as are made ahead of demand (zygote/main.ts). */
const SPARE_STUBS = 2;
/** As many as rest at the most after a child (native/launcher/stubs.c). */
const MOST_RESTING = 16;
/** Each stub has one, and up to 16 are spare (native/launcher/networks.c). */
const MOST_NETWORKS = PARKED + SPARE_STUBS + MOST_RESTING + 16;
/** How long the last children may take to be gone, in milliseconds. */
const SETTLE_MS = 10_000;

async function footprint(mark: string): Promise<Footprint> {
  const host = await hostMemory();
  const tree = zygoteTree(mark);
  if (tree === undefined) throw new Error('the zygote is gone');
  return {
    hostFds: fdsOf(process.pid),
    zygoteFds: fdsOf(tree.zygote.pid),
    initFds: fdsOf(tree.init.pid),
    initNetworks: networksOf(tree.init.pid),
    host,
    zygoteMemory: residentBytes(tree.zygote.pid),
  };
}

/** What is left of children when all should be gone, but for the parked ones. */
async function leftovers(mark: string): Promise<string[]> {
  const deadline = performance.now() + SETTLE_MS;
  for (;;) {
    const tree = zygoteTree(mark);
    if (tree === undefined) return ['the zygote is gone'];
    const { launcher, init, zygote, stubs, holders } = tree;
    const own = new Set([launcher, init, zygote, ...stubs, ...holders].map(({ pid }) => pid));
    const left = descendantsOf(launcher.pid).filter(({ pid }) => !own.has(pid));
    const hasZombies = left.some(({ state }) => state === 'Z');
    const atRest = stubs.length - PARKED - SPARE_STUBS;
    const hasAll = holders.length === PARKED && atRest >= 0 && atRest <= MOST_RESTING;
    if (left.length === PARKED && hasAll && !hasZombies) return [];
    if (performance.now() > deadline) {
      const names = left.map(({ name, pid, state }) => `${state} ${pid} (${name})`);
      const counts = `${left.length} children, ${holders.length} holders and ${stubs.length} stubs`;
      return [`${counts} are left: ${names.join(', ')}`];
    }
    await pause(20);
  }
}

function compare(before: Footprint, after: Footprint): string[] {
  const problems: string[] = [];
  for (const name of ['hostFds', 'zygoteFds', 'initFds'] as const) {
    if (after[name] > before[name]) problems.push(`${name}: ${before[name]} before, ${after[name]} after`);
  }
  if (after.initNetworks > MOST_NETWORKS) problems.push(`${after.initNetworks} network namespaces are kept`);
  problems.push(...grownMemory(before.host, after.host));
  problems.push(...grown('memory of the zygote', before.zygoteMemory, after.zygoteMemory, ZYGOTE_SLACK));
  return problems;
}

/** @param onProgress called now and then with the number of children that have ended */
export async function soak(
  { spawns, atOnce }: SoakPlan,
  onProgress?: (done: number) => void,
): Promise<SoakReport> {
  const mark = newMark();
  const started = performance.now();
  const never = { afterMs: Infinity, afterChildren: Infinity, afterCrash: false };
  // One zygote has to bear it all; and always with as many parked, so that before and after can be compared.
  const options = { env: { [MARK]: mark }, pool: { min: PARKED, max: PARKED }, rotation: never };
  await using zygote = await Zygote.start(options);
  const problems: string[] = [];
  const perJob: Record<string, number> = {};
  const names = Object.keys(JOBS);
  let next = 0;
  let done = 0;

  const work = async (until: number): Promise<void> => {
    while (next < until) {
      const i = next++;
      const name = names[i % names.length] ?? '';
      perJob[name] = (perJob[name] ?? 0) + 1;
      const problem = await JOBS[name]?.(zygote, i).catch((error: unknown) => String(error));
      if (problem !== undefined) problems.push(`${name} ${i}: ${problem}`);
      onProgress?.(++done);
    }
  };
  const workUntil = (until: number): Promise<unknown> =>
    Promise.all(Array.from({ length: atOnce }, () => work(until)));

  await workUntil(Math.ceil(spawns / 10));
  problems.push(...(await leftovers(mark)));
  // Which takes it memory of its own.
  while (!zygote.isWarm && zygote.isAlive) await pause(20);
  const before = await footprint(mark);
  await workUntil(spawns);
  problems.push(...(await leftovers(mark)));
  const after = await footprint(mark);
  problems.push(...compare(before, after));
  if (zygote.rotations > 0 || !zygote.isAlive) problems.push('the zygote was replaced');
  const seconds = (performance.now() - started) / 1000;
  return { spawns, seconds, threads: zygote.threads, perJob, before, after, problems };
}

function print(
  { spawns, seconds, threads, perJob, before, after, problems }: SoakReport,
  atOnce: number,
): void {
  console.log(`Node ${process.version}, ${threads} threads carried, ${atOnce} children at once`);
  console.log(`${spawns} children in ${seconds.toFixed(0)} s: ${JSON.stringify(perJob)}`);
  console.log(
    `descriptors of host, zygote and init: ${before.hostFds}, ${before.zygoteFds}, ${before.initFds} before; ` +
      `${after.hostFds}, ${after.zygoteFds}, ${after.initFds} after`,
  );
  for (const [what, of] of [
    ['heap of the host', ({ host }: Footprint) => host.heap],
    ['memory of the host', ({ host }: Footprint) => host.resident],
    ['memory of the zygote', ({ zygoteMemory }: Footprint) => zygoteMemory],
  ] as const) {
    console.log(`${what}: ${megabytes(of(before))} after a tenth, ${megabytes(of(after))} at the end`);
  }
  console.log(`problems: ${problems.length}`);
  for (const problem of problems.slice(0, 50)) console.log(`  - ${problem}`);
}

function nodes(only: string | undefined): string[] {
  const folder = fileURLToPath(new URL('../../test/nodes/node_modules', import.meta.url));
  const wanted = only?.split(',');
  return readdirSync(folder)
    .filter((name) => name.startsWith('node-') && (wanted?.includes(name.slice('node-'.length)) ?? true))
    .map((name) => path.join(folder, name, 'bin/node'));
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      spawns: { type: 'string', default: '10000' },
      'at-once': { type: 'string', default: String(3 * availableParallelism()) },
      nodes: { type: 'boolean', default: false },
      only: { type: 'string' },
      here: { type: 'boolean', default: false },
    },
  });
  const plan = { spawns: Number(values.spawns), atOnce: Number(values['at-once']) };
  if (!(plan.spawns >= 10) || !(plan.atOnce >= 1))
    throw new Error('--spawns must be at least 10, --at-once at least 1');
  if (!values.here) {
    const program = fileURLToPath(import.meta.url);
    const args = ['--here', '--spawns', values.spawns, '--at-once', values['at-once']];
    const versions = values.nodes || values.only !== undefined ? nodes(values.only) : [process.execPath];
    const failed = versions.filter(
      (node) =>
        spawnSync(node, [SMALL_YOUNG_GENERATION, program, ...args], { stdio: 'inherit' }).status !== 0,
    );
    process.exitCode = failed.length === 0 ? 0 : 1;
    return;
  }
  const report = await soak(plan, (done) => {
    if (process.stderr.isTTY && done % 50 === 0) process.stderr.write(`\r${done}`);
  });
  print(report, plan.atOnce);
  process.exitCode = report.problems.length === 0 ? 0 : 1;
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url))
  await main();
