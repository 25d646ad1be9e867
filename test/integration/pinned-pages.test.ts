/** The pages that jobs write to are the children's own from the clone on, and nothing of how that is found out is left. */
import { readdirSync, readlinkSync } from 'node:fs';
import t from 'tap';
import type { Pinning, Zygote } from '../../lib/index.js';
import { eventually } from '../helpers/eventually.js';
import { HostProgram } from '../helpers/host-program.js';
import { withoutCapabilities } from '../helpers/other-user.js';
import { descendantsOf, zygoteTree } from '../helpers/processes.js';
import { MARK, newMark, NO_POOL, startZygote, whenWarm } from '../helpers/zygote.js';

/** How many page faults a child has taken when its code begins. */
const FAULTS = 'module.exports = () => process.resourceUsage().minorPageFault';

async function faultsOfChild(zygote: Zygote): Promise<number> {
  return Number((await zygote.run(FAULTS)).value);
}

/** Between what a child takes that copies by itself, from 290 on by version of Node, and one that does not, up to 120. */
const MANY = 200;

t.test('children copy a fraction of the pages that the first one copied', async (t) => {
  const zygote = await startZygote(t, { preload: ['apache-arrow'], pool: NO_POOL });
  const first = await faultsOfChild(zygote);
  t.ok(first > MANY, `the first took ${first}`);
  const later = await eventually('a child takes half as many', async () => {
    const faults = await faultsOfChild(zygote);
    return faults < first / 2 && faults;
  });
  t.comment(`page faults: ${first}, then ${later}`);
  await whenWarm(zygote);
  t.strictSame(zygote.pinning, { isPinned: true });
});

t.test('where no memory may be pinned, children copy what they write to, and all works', async (t) => {
  const source = `
    const zygote = await Zygote.start({ preload: ['apache-arrow'], from: FIXTURES, pool: { min: 0, max: 0 } });
    while (!zygote.isWarm) await new Promise((resolve) => setTimeout(resolve, 10));
    const values = [];
    for (let i = 0; i < 5; i++) values.push((await zygote.run(${JSON.stringify(FAULTS)})).value);
    const { pinning } = zygote;
    await zygote.close();
    say({ values, pinning });`;
  const through = [...withoutCapabilities('ipc_lock'), 'prlimit', '--memlock=0'];
  const host = new HostProgram(t, source, { through });
  const { values, pinning } = await host.next<{ values: number[]; pinning: Pinning }>();
  t.ok(Math.min(...values) > MANY, `page faults: ${values.join(', ')}`);
  t.strictSame(pinning, { isPinned: false, step: 'io_uring_setup', errno: 'ENOMEM' });
});

t.test('of the scout nothing is left, and the ring is the zygote’s alone', async (t) => {
  const mark = newMark();
  const zygote = await startZygote(t, {
    preload: ['apache-arrow'],
    env: { [MARK]: mark },
    pool: { min: 1, max: 1 },
  });
  await eventually('pages are pinned', async () => (await faultsOfChild(zygote)) < MANY);
  const tree = await eventually('there are a child and its holder, and nobody else', () => {
    const found = zygoteTree(mark);
    return found?.children.length === 1 && found.holders.length === 1 && found.others.length === 1 && found;
  });
  const rings = (pid: number): string[] =>
    readdirSync(`/proc/${pid}/fd`).filter((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`).includes('io_uring'));
  t.strictSame(rings(tree.zygote.pid), ['5']);
  for (const { pid, name } of [tree.launcher, tree.init, ...tree.stubs, ...tree.children, ...tree.holders])
    t.strictSame(rings(pid), [], name);
  t.strictSame(
    descendantsOf(tree.zygote.pid).filter(({ state }) => state === 'Z'),
    [],
  );
});

t.test('a scout is where the zygote is, whoever was cloned before, and does not end with them', async (t) => {
  const mark = newMark();
  const zygote = await startZygote(t, {
    preload: ['./holds-scout.cjs'],
    env: { [MARK]: mark },
    // Whose children have no holders.
    sandbox: { profile: 'exec' },
    pool: NO_POOL,
  });
  const code = "module.exports = () => new Promise((resolve) => process.stdin.once('data', resolve))";
  // The first one was parked by start().
  await zygote.run('module.exports = () => 0');
  const child = await zygote.spawn(code, {}, { stdin: 'pipe' });
  const scout = await eventually('there is a scout', () =>
    zygoteTree(mark)?.holders.find(({ pid }) => fdsOf(pid).length > 0 && !fdsOf(pid).includes(CONTROL_FD)),
  );
  t.strictSame(
    zygoteTree(mark)?.children.map(({ pid }) => pid),
    [child.pid],
  );
  child.stdin!.end('on');
  t.match(await child.result, { status: 'ok' });
  t.doesNotThrow(() => process.kill(scout.pid, 0));
  process.kill(scout.pid, 'SIGALRM');
  await whenWarm(zygote);
});

t.test('pages are pinned for children without holders, too', async (t) => {
  const zygote = await startZygote(t, { sandbox: { profile: 'exec' }, pool: NO_POOL });
  t.equal((await zygote.run('module.exports = () => 1')).value, 1);
  await whenWarm(zygote);
  t.strictSame(zygote.pinning, { isPinned: true });
});

function fdsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`);
  } catch {
    return []; // it has just ended
  }
}

/** The zygote's, to the host. */
const CONTROL_FD = '3';

t.test(
  'a scout that hangs is ended whatever modules do about signals, and the zygote is warm without it',
  async (t) => {
    const mark = newMark();
    const zygote = await startZygote(t, {
      preload: ['./holds-scout.cjs'],
      env: { [MARK]: mark },
      pool: NO_POOL,
    });
    // Holders have no descriptors. A scout sets its alarm before it gives up the zygote's.
    const scout = await eventually('there is a scout', () =>
      zygoteTree(mark)?.holders.find(({ pid }) => fdsOf(pid).length > 0 && !fdsOf(pid).includes(CONTROL_FD)),
    );
    t.notOk(zygote.isWarm);
    // Sooner than the alarm.
    process.kill(scout.pid, 'SIGALRM');
    await whenWarm(zygote);
    t.match(zygote.pinning, { isPinned: false, step: 'scout', errno: 'ENODATA' });
    t.equal((await zygote.run('module.exports = () => 1')).value, 1);
    await eventually('neither it nor a holder is left', () => zygoteTree(mark)?.holders.length === 0);
  },
);
