// Whoever is told that a zygote has ended is told how; and what a zygote can get over does not end it.
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readdirSync } from 'node:fs';
import t, { type Test } from 'tap';
import { Zygote } from '../../lib/index.js';
import { native } from '../../lib/native.js';
import { eventually } from '../helpers/eventually.js';
import { HostProgram } from '../helpers/host-program.js';
import { asOtherUser } from '../helpers/other-user.js';
import { zygoteTree } from '../helpers/processes.js';
import { MARK, newMark, NO_POOL, rejection, startZygote, whenWarm } from '../helpers/zygote.js';

const before = { ...native };
t.afterEach(() => {
  Object.assign(native, before);
});

/** The zygote is told something that no host says, and ends. */
function sendGarbage(): void {
  native.sendRequest = (fd) => {
    native.sendMessage(fd, Buffer.from('garbage'), []);
    return null;
  };
}

t.test('calls are told of the exit code and of the last lines', async (t) => {
  const zygote = await startZygote(t, { pool: NO_POOL });
  const pending = rejection(zygote.run('for (;;);'));
  sendGarbage();
  const asking = rejection(zygote.run('module.exports = () => 1'));
  const message =
    /^the zygote died with exit code 1: nodespawner: the zygote ends: recvmsg\(host\): Bad message/;
  for (const error of await Promise.all([pending, asking]))
    t.match(error, { code: 'ERR_ZYGOTE_DIED', message });
  const late = await rejection(zygote.run('module.exports = () => 1'));
  t.match(late, { code: 'ERR_ZYGOTE_DIED', message }, 'and so are later ones');
});

t.test('start() is told, where the zygote ends before its first child is there', async (t) => {
  sendGarbage();
  t.match(await rejection(Zygote.start({ preload: [] })), {
    code: 'ERR_START_FAILED',
    message: /^the zygote ended with exit code 1 before it was ready/,
    output: /recvmsg\(host\): Bad message/,
  });
});

t.test('calls are told of the signal', async (t) => {
  for (const [who, signal, message] of [
    ['zygote', 'SIGSEGV', /^the zygote died by SIGSEGV, and/],
    ['init', 'SIGKILL', /^the zygote died with its init process, which was killed, and/],
    ['launcher', 'SIGKILL', /^the zygote died by SIGKILL, and/],
  ] as const) {
    const mark = newMark();
    const zygote = await startZygote(t, { env: { [MARK]: mark } });
    const pending = rejection(zygote.run('for (;;);'));
    const tree = await eventually(`there is a ${who}`, () => zygoteTree(mark));
    process.kill(tree[who].pid, signal);
    t.match(await pending, { code: 'ERR_ZYGOTE_DIED', message }, who);
  }
});

/** Descriptors on their way count for the user, whoever of them wants to send more (unix(7)). */
function putInFlight(t: Test, count: number): () => void {
  const fd = openSync('/dev/null', 'r');
  const [from, to] = native.socketPair();
  for (let sent = 0; sent < count; sent += 100)
    native.sendMessage(from, Buffer.from('x'), Array(100).fill(fd));
  let isOpen = true;
  const land = (): void => {
    if (isOpen) for (const each of [fd, from, to]) closeSync(each);
    isOpen = false;
  };
  t.teardown(land);
  return land;
}

const START = `const zygote = await Zygote.start({ preload: [], env: { '${MARK}': process.env.${MARK} } }).catch((error) => error);
say(zygote instanceof Error ? { code: zygote.code, message: zygote.message } : { value: (await zygote.run('module.exports = () => 1')).value });
if (!(zygote instanceof Error)) await zygote.close();`;

t.test('descriptors of others that are on their way are waited for', async (t) => {
  const mark = newMark();
  const land = putInFlight(t, 300);
  const through = ['sh', '-c', 'ulimit -n 110; exec "$@"', 'sh'];
  const host = new HostProgram(t, START, { through, env: { [MARK]: mark } });
  // It can't be sent to the zygote.
  await eventually('the first stub is there', () => (zygoteTree(mark)?.stubs.length ?? 0) > 0);
  land();
  t.strictSame(await host.next(), { value: 1 });
});

/**
 * A host that is not root, to whom the limit applies as well: it is refused until its own descriptors land, which they do
 * at once if `landing`, or never.
 */
function refusedHost(t: Test, landing: boolean): HostProgram {
  const source = `
    const { native } = await import(${JSON.stringify(new URL('../../lib/native.js', import.meta.url).href)});
    const { openSync, closeSync } = await import('node:fs');
    const { execFileSync } = await import('node:child_process');
    const fds = [openSync('/dev/null', 'r'), ...native.socketPair()];
    for (let i = 0; i < 3; i++) native.sendMessage(fds[1], Buffer.from('x'), Array(100).fill(fds[0]));
    execFileSync('prlimit', ['--pid', String(process.pid), '--nofile=110:']);
    const { sendRequest } = native;
    let refused = 0;
    native.sendRequest = (...request) => {
      const full = sendRequest(...request);
      if (full === 'ETOOMANYREFS' && refused++ === 0 && ${landing}) for (const fd of fds) closeSync(fd);
      return full;
    };
    ${START}
    say({ refused: refused > 0 });`;
  return new HostProgram(t, source, { through: asOtherUser(), env: { [MARK]: newMark() } });
}

t.test('nor is the host kept by them that may send no more itself', async (t) => {
  const host = refusedHost(t, true);
  t.strictSame(await host.next(), { value: 1 });
  t.strictSame(await host.next(), { refused: true });
});

t.test('a child that has to wait for them keeps no other from being ended', async (t) => {
  const zygote = await startZygote(t, { pool: NO_POOL });
  const busy = await zygote.spawn('for (;;);');
  let refused = 0;
  native.sendRequest = (fd, kind, token, signal, jobFd) =>
    jobFd >= 0 && refused++ >= 0 ? 'ETOOMANYREFS' : before.sendRequest(fd, kind, token, signal, jobFd);
  const waiting = zygote.run('module.exports = () => 1');
  await eventually('it has to wait', () => refused > 0);
  busy.kill();
  t.match(await busy.result, { status: 'signaled', signal: 'SIGKILL' });
  Object.assign(native, before);
  t.equal((await waiting).value, 1);
});

t.test(
  'if they never arrive, that is said: by the zygote, and by the host that may send no more',
  async (t) => {
    const message = (call: string): RegExp =>
      new RegExp(`sendmsg\\(${call}\\) failed with ETOOMANYREFS; .*RLIMIT_NOFILE`);
    const refused = refusedHost(t, false);
    putInFlight(t, 300);
    const through = ['sh', '-c', 'ulimit -n 110; exec "$@"', 'sh'];
    const host = new HostProgram(t, START, { through, env: { [MARK]: newMark() } });
    t.match(await host.next(), { code: 'ERR_SANDBOX_UNAVAILABLE', message: message('stub') });
    t.match(await refused.next(), { code: 'ERR_SANDBOX_UNAVAILABLE', message: message('clone') });
  },
);

/** A zygote whose descriptors can be limited. */
async function startLimited(t: Test) {
  const mark = newMark();
  const zygote = await startZygote(t, { env: { [MARK]: mark }, pool: NO_POOL });
  const { pid } = (await eventually('the zygote is there', () => zygoteTree(mark))).zygote;
  const limitTo = (files: number): void => {
    execFileSync('prlimit', ['--pid', String(pid), `--nofile=${files}:`]);
  };
  const works = (): Promise<boolean> =>
    zygote.run('module.exports = () => 1').then(
      ({ value }) => value === 1,
      () => false,
    );
  return { zygote, pid, limitTo, works };
}

t.test('a zygote that can have no more descriptors while it warms up goes on', async (t) => {
  const { zygote, pid, limitTo, works } = await startLimited(t);
  limitTo(readdirSync(`/proc/${pid}/fd`).length);
  await whenWarm(zygote);
  limitTo(1000);
  t.ok(await eventually('it works again', works));
});

t.test('a zygote that can have no more descriptors refuses children, and goes on', async (t) => {
  const { zygote, pid, limitTo, works } = await startLimited(t);
  await whenWarm(zygote);
  // The child that is parked by start() is there already.
  t.ok(await works());
  const most = readdirSync(`/proc/${pid}/fd`).length;
  const steps = new Set<unknown>();
  // Whatever descriptor it is that there is no room for: that of the job, of the stub, of the listener.
  for (let limit = most - 16; limit < most; limit++) {
    limitTo(limit);
    const result = await zygote.run('module.exports = () => 1').catch((error: unknown) => error);
    if (!(result instanceof Error)) continue;
    t.match(result, { code: 'ERR_SPAWN_FAILED', errno: 'EMFILE', message: /RLIMIT_NOFILE/ });
    steps.add((result as { syscall?: unknown }).syscall);
  }
  for (const step of ['recvmsg(job)', 'recvmsg(stub)'])
    t.ok(steps.has(step), `${step} of ${[...steps].join(', ')}`);
  limitTo(1000);
  // Stubs are made ahead of demand, and so are refusals.
  t.ok(await eventually('it works again', works));
});
