/** Measures ratios on the Node that runs this: medians of contestants that take turns. */
import { SharedTable, type Zygote } from '../../lib/index.js';
import {
  nodespawnerFirstLine,
  nodespawnerRoundTrip,
  plainNodeFirstLine,
  plainNodeRoundTrip,
  type Contestant,
} from '../contestants.js';
import { parkedChildren, plainNodes, type Footprint } from '../memory.js';
import { rotate, type Turn } from '../rotate.js';
import { median } from '../statistics.js';
import { callWithTable, tableOf } from '../tables.js';
import { startCold, startOnDemand, startZygote } from '../zygotes.js';
import { RATIOS, type RatioName, type Ratios, type SmokeContestant } from './ratios.js';

const SMALL_BYTES = 1024;
const LARGE_BYTES = 16 * 2 ** 20;
const WARM_UP = 3;

const zygoteStart: Contestant = {
  async measure() {
    const started = performance.now();
    const zygote = await startCold([]);
    const elapsed = performance.now() - started;
    await zygote.close();
    return elapsed;
  },
};

function fourAtOnce(zygote: Zygote): Contestant {
  const call = nodespawnerRoundTrip(zygote, true);
  return {
    ...call,
    async measure() {
      const started = performance.now();
      await Promise.all(Array.from({ length: 4 }, () => call.measure()));
      return performance.now() - started;
    },
  };
}

/** Of one of several that idle, in bytes. */
function memoryOf(idle: (count: number) => Promise<Footprint>): Contestant {
  return { measure: async () => median((await idle(3)).each.map(({ uss }) => uss)) };
}

function firstLineWith(zygote: Zygote, table: SharedTable): Contestant {
  const call = callWithTable(zygote, table);
  return { ...call, measure: async () => (await call.measure()).firstLineMs };
}

/** @param rounds how often each is measured; what takes long, or hardly differs from time to time, less often */
export async function measureRatios(names: readonly RatioName[], rounds: number): Promise<Ratios> {
  await using parked = await startZygote([]);
  await using onDemand = await startOnDemand([]);
  using small = await SharedTable.from(tableOf(SMALL_BYTES));
  using large = await SharedTable.from(tableOf(LARGE_BYTES));
  const turns: Record<SmokeContestant, Turn> = {
    firstLine: { contestant: nodespawnerFirstLine(parked, true), times: rounds },
    plainFirstLine: { contestant: plainNodeFirstLine, times: rounds },
    roundTrip: { contestant: nodespawnerRoundTrip(parked, true), times: rounds },
    demandRoundTrip: { contestant: nodespawnerRoundTrip(onDemand, false), times: rounds },
    plainRoundTrip: { contestant: plainNodeRoundTrip, times: rounds },
    fourAtOnce: { contestant: fourAtOnce(parked), times: rounds },
    zygoteStart: { contestant: zygoteStart, times: Math.ceil(rounds / 2) },
    largeTable: { contestant: firstLineWith(parked, large), times: rounds },
    smallTable: { contestant: firstLineWith(parked, small), times: rounds },
    childMemory: { contestant: memoryOf((count) => parkedChildren(count, [])), times: 1 },
    plainMemory: { contestant: memoryOf(plainNodes), times: 1 },
  };
  const isNeeded = new Set(names.flatMap((name) => [RATIOS[name].of, RATIOS[name].to]));
  const needed = (Object.entries(turns) as [SmokeContestant, Turn][]).filter(([name]) => isNeeded.has(name));
  const series = await rotate(Object.fromEntries(needed) as Record<SmokeContestant, Turn>, WARM_UP);
  return Object.fromEntries(
    names.map((name) => [name, median(series[RATIOS[name].of]) / median(series[RATIOS[name].to])]),
  );
}
