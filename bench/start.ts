/** How long does it take to start a zygote, from nothing to its first parked child, and a node that loads the same? */
import type { Zygote } from '../lib/index.js';
import { bareNodeFirstLine, plainNodeFirstLine, type Contestant } from './contestants.js';
import type { Plan } from './plan.js';
import { rotate } from './rotate.js';
import { startCold } from './zygotes.js';

/** In milliseconds. */
export type Start = Readonly<Record<'zygote' | 'plainNode' | 'bareNode', readonly number[]>>;

export async function start({ plainSpawns, preload }: Plan): Promise<Start> {
  let last: Zygote | undefined;
  const closeLast = async (): Promise<void> => {
    await last?.close();
    last = undefined;
  };
  const zygote: Contestant = {
    async measure() {
      const started = performance.now();
      last = await startCold(preload);
      return performance.now() - started;
    },
  };
  // The last zygote's end is nobody's to pay for.
  const afterLast = (contestant: Contestant): Contestant => ({ ...contestant, prepare: closeLast });
  const series = await rotate(
    {
      zygote: { contestant: afterLast(zygote), times: plainSpawns },
      plainNode: { contestant: afterLast(plainNodeFirstLine), times: plainSpawns },
      bareNode: { contestant: afterLast(bareNodeFirstLine), times: plainSpawns },
    },
    1,
  );
  await closeLast();
  return series;
}
