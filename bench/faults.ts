/**
 * Does anything stay behind, or a call wait for ever, when the host, the zygote, a child or the holder of its memory is killed at
 * any moment?
 *
 *   node dist/bench/faults.js [--rounds N] [--seed N]
 *
 *   --rounds N   how often somebody is killed (200)
 *   --seed N     who, and when; a seed that is said again gives the same sequence (a random one)
 *
 * Ends with exit code 1 if anything was not as it should be.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { realpathSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { controlGroupsOf, descendantsOf, markedProcesses, zygoteTree } from '../test/helpers/processes.js';
import { MARK, newMark } from '../test/helpers/zygote.js';
import type { HostReport } from './faults-host.js';
import { seededRandom } from './random.js';

const HOST = fileURLToPath(new URL('./faults-host.js', import.meta.url));
const VICTIMS = ['host', 'zygote', 'child', 'holder'] as const;
/** When somebody is killed: from before the zygote is there until long after its first children were. */
const LATEST_MS = 900;
const PATIENCE_MS = 30_000;

type Victim = (typeof VICTIMS)[number];

export interface FaultsReport {
  readonly rounds: number;
  readonly seed: number;
  /** How often each of them was killed. */
  readonly killed: Readonly<Record<Victim, number>>;
  /** What became of the calls of hosts that lived to tell. */
  readonly calls: Readonly<Record<string, number>>;
  readonly problems: readonly string[];
}

async function waitUntil(what: () => boolean): Promise<boolean> {
  const deadline = performance.now() + PATIENCE_MS;
  while (!what()) {
    if (performance.now() > deadline) return false;
    await pause(5);
  }
  return true;
}

/** The pid of whom to kill. Undefined while there is none. */
function find(victim: Victim, host: ChildProcess, mark: string, random: number): number | undefined {
  if (victim === 'host') return host.pid;
  const tree = zygoteTree(mark);
  if (tree === undefined) return undefined;
  if (victim === 'zygote') return tree.zygote.pid;
  const all = victim === 'child' ? tree.children : tree.holders;
  return all[Math.floor(random * all.length)]?.pid;
}

function kill(pid: number): boolean {
  try {
    process.kill(pid, 'SIGKILL');
    return true;
  } catch {
    return false; // it has just ended
  }
}

interface Round {
  readonly report: HostReport | undefined;
  readonly problems: readonly string[];
}

async function round(victim: Victim, delayMs: number, restMs: number, random: () => number): Promise<Round> {
  const mark = newMark();
  const problems: string[] = [];
  const host = fork(HOST, {
    env: { PATH: process.env.PATH, [MARK]: mark },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  let errors = '';
  host.stderr?.setEncoding('utf8').on('data', (text: string) => (errors += text));
  let report: HostReport | undefined;
  host.once('message', (message) => {
    report = message as HostReport;
  });
  const ended = once(host, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;

  await pause(delayMs);
  const launchers = new Set<number>();
  const done = await waitUntil(() => {
    const launcher = zygoteTree(mark)?.launcher.pid;
    if (launcher !== undefined) launchers.add(launcher);
    const pid = find(victim, host, mark, random());
    return pid !== undefined && kill(pid);
  });
  if (!done) problems.push(`there was no ${victim} to kill`);
  if (victim !== 'host') {
    await pause(restMs);
    host.send('stop');
  }
  const [code, signal] = await ended;
  if (victim !== 'host') {
    if (report === undefined)
      problems.push(`the host ended with ${signal ?? String(code)}: ${errors.slice(0, 2000)}`);
    if (errors !== '') problems.push(`the host complained: ${errors.slice(0, 2000)}`);
    if (report && report.unsettled > 0) problems.push(`${report.unsettled} calls were never settled`);
    problems.push(...(report?.problems ?? []));
  }

  if (!(await waitUntil(() => markedProcesses(mark).length === 0))) {
    const left = markedProcesses(mark);
    problems.push(
      `left running: ${left.map(({ name, pid, state }) => `${state} ${pid} (${name})`).join(', ')}`,
    );
    for (const { pid } of left) kill(pid);
  }
  for (const launcher of launchers) {
    if (!(await waitUntil(() => controlGroupsOf(launcher).length === 0)))
      problems.push('a control group is left');
  }
  const zombies = descendantsOf(process.pid).filter(({ state }) => state === 'Z');
  if (zombies.length > 0) problems.push(`${zombies.length} zombies`);
  return { report, problems };
}

/** @param onRound called after each */
export async function faults(
  rounds: number,
  seed: number,
  onRound?: (done: number) => void,
): Promise<FaultsReport> {
  const random = seededRandom(seed);
  const killed = { host: 0, zygote: 0, child: 0, holder: 0 };
  const calls: Record<string, number> = {};
  const problems: string[] = [];
  for (let i = 0; i < rounds; i++) {
    // Each in its turn, so that a few rounds have them all.
    const victim = VICTIMS[i % VICTIMS.length] ?? 'host';
    const [delayMs, restMs] = [random() * LATEST_MS, random() * 200];
    const { report, problems: found } = await round(victim, delayMs, restMs, random);
    killed[victim]++;
    for (const [outcome, count] of Object.entries(report?.calls ?? {}))
      calls[outcome] = (calls[outcome] ?? 0) + count;
    problems.push(
      ...found.map((problem) => `round ${i}, ${victim} after ${Math.round(delayMs)} ms: ${problem}`),
    );
    onRound?.(i + 1);
  }
  return { rounds, seed, killed, calls, problems };
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { rounds: { type: 'string', default: '200' }, seed: { type: 'string' } },
  });
  const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 32) : Number(values.seed);
  const { rounds, killed, calls, problems } = await faults(Number(values.rounds), seed, (done) => {
    if (process.stderr.isTTY) process.stderr.write(`\r${done}`);
  });
  console.log(`Node ${process.version}, seed ${seed}: ${rounds} rounds, killed ${JSON.stringify(killed)}`);
  console.log(`calls: ${JSON.stringify(calls)}`);
  console.log(`problems: ${problems.length}`);
  for (const problem of problems.slice(0, 50)) console.log(`  - ${problem}`);
  process.exitCode = problems.length === 0 ? 0 : 1;
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url))
  await main();
