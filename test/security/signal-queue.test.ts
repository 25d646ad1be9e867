// Signals that wait count for the user who has made the user namespace, and that is the host's: children may fill a part of
// the queue that the kernel grants to each user, and never all of it.
import { execFileSync } from 'node:child_process';
import t, { type Test } from 'tap';
import { buildRaw, Lab } from '../helpers/security/lab.js';
import { whenWarm } from '../helpers/zygote.js';

const addon = buildRaw(t);

/** Queues real-time signals to a thread that blocks them, until there is no room. */
const FILL = `
  const set = Buffer.alloc(8, 0xff);
  sys('rt_sigprocmask', 0, set, 0, 8);
  const [pid, tid] = [sys('getpid'), sys('gettid')];
  let queued = 0, error;
  while (queued < 10_000 && (error = sys('tgkill', pid, tid, 40)) === 0) queued++;
  console.log(JSON.stringify({ queued, error }));
  await new Promise((resolve) => process.stdin.once('data', resolve));
  process.reallyExit(0);`;

/** The host's own limit, which its launchers inherit. */
function limitTo(t: Test, signals: number): void {
  const prlimit = (text: string): string =>
    execFileSync('prlimit', ['--pid', String(process.pid), text], { encoding: 'utf8' });
  const before = /SIGPENDING.*?(\d+|unlimited)\s+(\d+|unlimited)\s+signals/.exec(prlimit('--sigpending'));
  prlimit(`--sigpending=${signals}:`);
  t.teardown(() => {
    prlimit(`--sigpending=${before?.[1] ?? signals}:`);
  });
}

interface Filled {
  readonly queued: number;
  readonly error: string;
}

/** What three children have queued, who live on meanwhile. */
async function fill(t: Test, lab: Lab): Promise<Filled[]> {
  const options = { stdin: 'pipe', stdout: 'pipe' } as const;
  const children = await Promise.all([1, 2, 3].map(() => lab.spawn(FILL, undefined, options)));
  t.teardown(() => {
    for (const child of children) child.kill();
  });
  const told = [];
  for (const child of children) {
    const [line] = (await child.stdout!.take(1).toArray()) as Buffer[];
    told.push(JSON.parse(String(line)) as Filled);
  }
  return told;
}

t.test('children that start no programs queue none', async (t) => {
  limitTo(t, 40);
  const lab = await Lab.start(t, addon);
  t.strictSame(await fill(t, lab), Array(3).fill({ queued: 0, error: 'EAGAIN' }));
  const another = await Lab.start(t, addon);
  t.ok(await another.works(), 'and a new zygote can be had, which parks its threads by signals');
});

t.test('children with programs queue no more together than half of what their host may', async (t) => {
  const signals = 40;
  limitTo(t, signals);
  const lab = await Lab.start(t, addon, { profile: 'exec' });
  const told = await fill(t, lab);
  t.ok(told.every(({ error }) => error === 'EAGAIN'));
  t.ok(told.every(({ queued }) => queued <= 16));
  const sum = told.reduce((all, { queued }) => all + queued, 0);
  t.ok(sum > 0 && sum <= signals / 2, `${sum} signals`);
  // Which parks its threads by signals, again and again.
  await whenWarm(lab.zygote);
  t.ok(await lab.works(), 'and a new child can be had');
});
