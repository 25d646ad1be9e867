/** A zygote serves before it is warm, and warms up between its children. They don't see any of it. */
import { setTimeout as pause } from 'node:timers/promises';
import t from 'tap';
import type { Zygote } from '../../lib/index.js';
import { OWN_FDS } from '../helpers/own-fds.js';
import { zygoteTree } from '../helpers/processes.js';
import { MARK, newMark, NO_POOL, startZygote, whenWarm } from '../helpers/zygote.js';

interface Seen {
  /** How often a timer of a preloaded module has fired before the child began. */
  readonly ticks: number;
  readonly fds: readonly string[];
  readonly random: readonly (number | string)[];
}

const LOOK = `${OWN_FDS}
  const { state } = require('./ticks.cjs');
  const crypto = require('crypto');
  const seen = {
    ...state,
    fds: [...openFds()].map(([fd, target]) => fd + ' ' + target.replace(/[0-9]+/g, 'N')).sort(),
    random: [Math.random(), crypto.randomUUID(), crypto.randomInt(2 ** 47)],
  };
  module.exports = () => seen;`;

const look = async (zygote: Zygote): Promise<Seen> => (await zygote.run(LOOK)).value as unknown as Seen;

const PRELOAD = ['apache-arrow', './ticks.cjs'];

t.test('a child of a warm zygote is like one from before', async (t) => {
  const zygote = await startZygote(t, { preload: PRELOAD, pool: NO_POOL });
  t.notOk(zygote.isWarm);
  // It was parked by start().
  const cold = await look(zygote);
  await whenWarm(zygote);
  const warm = await look(zygote);
  t.equal(warm.ticks, cold.ticks, 'its event loop does not turn, timers are for the children');
  t.strictSame(warm.fds, cold.fds);
  t.notOk(warm.random.some((value) => cold.random.includes(value)));
});

t.test('a zygote that gets no rest is warmed up all the same, and loses no child over it', async (t) => {
  const zygote = await startZygote(t, { preload: PRELOAD, pool: NO_POOL });
  const random: (number | string)[] = [];
  const stayBusy = async (): Promise<void> => {
    for (let i = 0; i < 100 && !zygote.isWarm; i++) random.push(...(await look(zygote)).random);
  };
  await Promise.all(Array.from({ length: 6 }, stayBusy));
  t.ok(zygote.isWarm);
  t.equal(new Set(random).size, random.length);
});

t.test('a zygote that can’t rehearse serves on as it is', async (t) => {
  const zygote = await startZygote(t, { preload: ['./fails-rehearsal.cjs'], pool: NO_POOL });
  await whenWarm(zygote);
  t.equal((await zygote.run('module.exports = () => 1')).value, 1);
});

t.test('signals that it gets meanwhile are its own', async (t) => {
  const mark = newMark();
  const zygote = await startZygote(t, { preload: PRELOAD, env: { [MARK]: mark }, pool: NO_POOL });
  const { pid } = zygoteTree(mark)!.zygote;
  // More than what a self-pipe may hold.
  for (let i = 0; i < 6; i++) {
    process.kill(pid, 'SIGUSR2');
    await pause(2);
  }
  await whenWarm(zygote);
  const code = `const { state } = require('./ticks.cjs');
    module.exports = () => new Promise((resolve) => setTimeout(() => resolve(state.signals), 20));`;
  t.equal((await zygote.run(code)).value, 0);
});
