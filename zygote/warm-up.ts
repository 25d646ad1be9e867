/**
 * What makes children cheaper, and what none of them needs: rehearsals, so that code is compiled once for all of them,
 * and a collection of garbage. The zygote does it in small steps when it serves already and nobody wants anything.
 *
 * Its event loop doesn't turn meanwhile: timers of preloaded modules are for the children.
 */
import fs from 'node:fs';
import type { Clone, ZygoteAddon } from './addon.js';
import { type Life, rehearseLife } from './child.js';
import { collectGarbage } from './garbage.js';
import { sealRandom, unsealRandom } from './random.js';
import { lastRehearsal, rehearsalsOfAll, rehearse } from './rehearsal.js';
import { rehearseUserModules } from './user-module.js';

/** Enough for V8 to have seen what types go where. */
const REHEARSALS = 10;

/** How long threads may take to become idle again, in milliseconds: what V8 does in them comes to an end. */
const IDLE_TIMEOUT_MS = 60_000;

// A preloaded module may replace them.
const { setImmediate, clearImmediate } = globalThis;
const { writeSync } = fs;

/** What of a child's life there is before there is a child. */
type Prepared = Omit<Life, 'fd' | 'isScout' | 'title'>;

async function* stepsOf(life: Prepared): AsyncGenerator<void, void> {
  const { registry, rehearsal, scoutRehearsal } = life;
  await rehearseUserModules(registry);
  yield;
  const rehearsals = [...rehearsalsOfAll(registry), rehearsal];
  for (let round = 0; round < REHEARSALS; round++) {
    for (const each of rehearsals) {
      yield;
      await rehearse(life, each);
    }
  }
  yield;
  collectGarbage();
  // What was collected with the garbage is compiled and learnt again, and not by each child.
  await rehearse(life, scoutRehearsal);
  await rehearseLife(life, lastRehearsal(registry));
}

/** @returns whether there are more steps */
async function take(steps: AsyncGenerator<void, void>): Promise<boolean> {
  let guard: NodeJS.Immediate | undefined;
  // Nothing here waits for the event loop. Should something of a preloaded module's make it, that was the last step.
  const turned = new Promise<false>((resolve) => {
    guard = setImmediate(resolve, false);
  });
  const taken = steps.next().then(
    ({ done }) => done !== true,
    () => false,
  );
  const isMore = await Promise.race([taken, turned]);
  clearImmediate(guard);
  return isMore;
}

export interface Serving {
  readonly addon: Pick<ZygoteAddon, 'sealAgain' | 'isWanted' | 'exitNow'>;
  /** What sealAndServe() has returned. */
  readonly served: Clone;
  readonly life: Prepared;
}

/** Resolves in each clone. */
export async function serveAndWarmUp({ addon, served, life }: Serving): Promise<Clone> {
  const steps = stepsOf(life);
  while (served.fd < 0) {
    let isWarm: boolean;
    unsealRandom();
    do isWarm = !(await take(steps));
    while (!isWarm && !addon.isWanted());
    sealRandom();
    served = sealAgain(addon, isWarm);
  }
  return served;
}

function sealAgain(addon: Serving['addon'], isWarm: boolean): Clone {
  try {
    return addon.sealAgain({ idleTimeoutMs: IDLE_TIMEOUT_MS, isWarm });
  } catch (error) {
    // The host finds it there when it asks why the zygote is gone.
    writeSync(2, `nodespawner: the zygote ends: ${(error as Error).message}\n`);
    return addon.exitNow(1);
  }
}
