/** What it costs to have so many children alive: the memory of each, and what one more takes to clone. */
import os from 'node:os';
import { setImmediate, setTimeout } from 'node:timers/promises';
import type { Zygote } from '../../lib/index.js';
import { zygoteTree } from '../../test/helpers/processes.js';
import { MARK, newMark } from '../../test/helpers/zygote.js';
import { nodespawnerRoundTrip } from '../contestants.js';
import { residentOf, type Resident } from '../resident.js';
import { startZygote } from '../zygotes.js';

export interface LiveFigures {
  readonly children: number;
  /** Of some of the children of one zygote. */
  readonly each: readonly Resident[];
  /** What the machine has less of since there are they and their zygote, in bytes: with the kernel's own, and others' noise. */
  readonly taken: number;
  /** In milliseconds: of calls that find a child parked, and until there is another in its place. */
  readonly roundTripMs: readonly number[];
  readonly refillMs: readonly number[];
}

/** Reading the figures of a process walks through all of its memory. */
const MOST_READ = 20;
const PAUSE_MS = 15;
/** A zygote has no more than 255 children alive, and one of them runs the call. */
const MOST_OF_ONE = 250;

export async function full(zygote: Zygote, children: number): Promise<void> {
  while (zygote.parked < children) await setTimeout(1);
}

interface Parent {
  readonly zygote: Zygote;
  readonly size: number;
  readonly mark: string;
}

async function startFull(size: number): Promise<Parent> {
  const mark = newMark();
  const zygote = await startZygote([], { pool: { min: size, max: size }, env: { [MARK]: mark } });
  await full(zygote, size);
  return { zygote, size, mark };
}

function childrenOf({ mark }: Parent): Resident[] {
  const tree = zygoteTree(mark);
  if (tree === undefined) throw new Error('the zygote is gone');
  return tree.children.slice(0, MOST_READ).map(({ pid }) => residentOf(pid));
}

/** A call, and how long it is until there is another child in the place of that which it takes. */
async function callAndRefill({ zygote, size }: Parent): Promise<[callMs: number, refillMs: number]> {
  const start = performance.now();
  const state = { isDone: false };
  const call = nodespawnerRoundTrip(zygote, true)
    .measure()
    .finally(() => {
      state.isDone = true;
    });
  while (zygote.parked === size && !state.isDone) await setImmediate();
  await full(zygote, size);
  const refillMs = performance.now() - start;
  return [await call, refillMs];
}

export async function withLive(children: number, calls: number): Promise<LiveFigures> {
  const free = os.freemem();
  const first = await startFull(Math.min(children, MOST_OF_ONE));
  const zygotes = [first];
  for (let left = children - first.size; left > 0; left -= MOST_OF_ONE)
    zygotes.push(await startFull(Math.min(left, MOST_OF_ONE)));
  const taken = free - os.freemem();
  const each = childrenOf(first);
  const roundTripMs: number[] = [];
  const refillMs: number[] = [];
  for (let i = -2; i < calls; i++) {
    await setTimeout(PAUSE_MS);
    const [roundTrip, refill] = await callAndRefill(first);
    if (i < 0) continue;
    roundTripMs.push(roundTrip);
    refillMs.push(refill);
  }
  await Promise.all(zygotes.map(({ zygote }) => zygote.close()));
  return { children, each, taken, roundTripMs, refillMs };
}
