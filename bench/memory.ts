/** What memory does one more idle child take, parked and ready for its job, and one more idle node with the same module? */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { zygoteTree } from '../test/helpers/processes.js';
import { MARK, newMark } from '../test/helpers/zygote.js';
import type { Plan } from './plan.js';
import { residentOf, type Resident } from './resident.js';
import { startZygote } from './zygotes.js';

export interface Footprint {
  /** How many children, or processes. */
  readonly count: number;
  /** Of each. */
  readonly each: readonly Resident[];
  /** PSS of them, of the zygote, and of the small processes that belong to both. */
  readonly totalPss: number;
}

export interface Memory {
  readonly parked: readonly Footprint[];
  readonly plainNode: readonly Footprint[];
}

/** What is still being done when a child has said that it is ready. */
const SETTLE_MS = 300;
/** More of them would take longer than they are worth. */
const MOST_PLAIN = 16;

export async function parkedChildren(count: number, preload: readonly string[]): Promise<Footprint> {
  const mark = newMark();
  const zygote = await startZygote(preload, {
    pool: { min: count, max: count },
    env: { [MARK]: mark },
  });
  try {
    while (zygote.parked < count) await setTimeout(10);
    await setTimeout(SETTLE_MS);
    const tree = zygoteTree(mark);
    if (tree === undefined) throw new Error('the zygote is gone');
    const { children } = tree;
    if (children.length !== count) throw new Error(`${children.length} children, not ${count}`);
    const each = children.map(({ pid }) => residentOf(pid));
    const helpers = [tree.launcher, tree.init, tree.zygote, ...tree.stubs].map(({ pid }) => residentOf(pid));
    return { count, each, totalPss: [...each, ...helpers].reduce((sum, { pss }) => sum + pss, 0) };
  } finally {
    await zygote.close();
  }
}

export async function plainNodes(count: number): Promise<Footprint> {
  const cwd = fileURLToPath(new URL('.', import.meta.url));
  const code = "const arrow = require('apache-arrow'); process.stdin.resume(); console.log('ready')";
  const nodes = Array.from({ length: count }, () =>
    spawn(process.execPath, ['-e', code], { cwd, stdio: ['pipe', 'pipe', 'inherit'] }),
  );
  for (const { stdout } of nodes) await once(stdout, 'data');
  await setTimeout(SETTLE_MS);
  const each = nodes.map(({ pid }) => residentOf(pid ?? 0));
  for (const node of nodes) {
    const closed = once(node, 'close');
    node.stdin.end();
    await closed;
  }
  return { count, each, totalPss: each.reduce((sum, { pss }) => sum + pss, 0) };
}

export async function memory({ children, preload }: Plan): Promise<Memory> {
  const parked: Footprint[] = [];
  const plainNode: Footprint[] = [];
  for (const count of children) {
    parked.push(await parkedChildren(count, preload));
    if (count <= MOST_PLAIN) plainNode.push(await plainNodes(count));
  }
  return { parked, plainNode };
}
