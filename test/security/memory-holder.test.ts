// The process that shares a child's memory, so that nobody has to wait until the kernel has taken that apart.
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import t from 'tap';
import { buildRaw, Lab, statusOf, SYSTEM_CALLS } from '../helpers/security/lab.js';
import type { Child } from '../../lib/index.js';

const addon = buildRaw(t);
const lab = await Lab.start(t, addon);

t.afterEach(async () => {
  if (!(await lab.works())) throw new Error('the next child does not work');
});

async function running(from: Lab, body: string): Promise<Child> {
  const child = await from.spawn(body, undefined, { stdout: 'pipe' });
  await once(child.stdout!, 'data');
  return child;
}

const WAIT = 'console.log(1); await sleep(60_000);';

/** The processes of the user that this child has to itself, other than it: its pid is the host's. */
function othersOf({ pid }: Child): number[] {
  const uid = statusOf(pid, 'Uid');
  return readdirSync('/proc')
    .map(Number)
    .filter((other) => other > 0 && other !== pid && uidOf(other) === uid);
}

function uidOf(pid: number): string | undefined {
  try {
    return statusOf(pid, 'Uid');
  } catch {
    return undefined;
  }
}

t.test('it has nothing: no descriptor, no capability, no signal that reaches it, and a filter', async (t) => {
  const child = await running(lab, WAIT);
  const [holder = 0, ...more] = othersOf(child);
  t.strictSame(more, []);
  t.strictSame(readdirSync(`/proc/${holder}/fd`), []);
  for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb']) t.match(statusOf(holder, set), /^0+$/, set);
  for (const name of ['Uid', 'Gid', 'Groups']) t.equal(statusOf(holder, name), statusOf(child.pid, name), name);
  t.match({ filter: statusOf(holder, 'Seccomp'), privileges: statusOf(holder, 'NoNewPrivs') }, { filter: '2', privileges: '1' });
  // All but SIGKILL and SIGSTOP, which can't be blocked.
  t.equal(statusOf(holder, 'SigBlk'), 'fffffffffffbfeff');
  for (const space of ['user', 'mnt', 'ipc', 'uts', 'net', 'cgroup']) {
    t.equal(readlinkSync(`/proc/${holder}/ns/${space}`), readlinkSync(`/proc/${child.pid}/ns/${space}`), space);
  }
  t.equal(readFileSync(`/proc/${holder}/syscall`, 'utf8').split(' ')[0], String(SYSTEM_CALLS.ppoll), 'it waits');
  child.kill();
  await child.result;
}); // prettier-ignore

t.test('it has no name in the namespace of the child, and ends with it', async (t) => {
  const child = await running(lab, WAIT);
  const [holder = 0] = othersOf(child);
  t.not(readlinkSync(`/proc/${holder}/ns/pid`), readlinkSync(`/proc/${child.pid}/ns/pid`));
  const names = (pid: number): number => statusOf(pid, 'NSpid').split(/\s+/).length;
  t.equal(names(holder), names(child.pid) - 1);
  child.kill();
  await child.result;
  while (uidOf(holder) !== undefined) await new Promise((resolve) => setTimeout(resolve, 5));
});

t.test('a child that loses it is gone, and is said to be', async (t) => {
  const child = await running(lab, WAIT);
  const [holder = 0] = othersOf(child);
  process.kill(holder, 'SIGKILL');
  t.match(await child.result, { status: 'signaled', signal: 'SIGKILL' });
});

t.test('there is none where code may start processes', async (t) => {
  const starting = await Lab.start(t, addon, { profile: 'exec' });
  const child = await running(starting, WAIT);
  t.strictSame(othersOf(child), []);
  child.kill();
  await child.result;
});
