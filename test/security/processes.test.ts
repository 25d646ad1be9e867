// What is always on: a PID namespace for each child, in which it is alone, and which ends with it.
import { readFileSync } from 'node:fs';
import t from 'tap';
import { eventually } from '../helpers/eventually.js';
import { markedProcesses } from '../helpers/processes.js';
import { buildRaw, Lab } from '../helpers/security/lab.js';
import { expectStatus, MARK, newMark, NO_POOL, NO_SANDBOX, WITH_PROGRAMS } from '../helpers/zygote.js';

const addon = buildRaw(t);
const lab = await Lab.start(t, addon);
const bare = await Lab.start(t, addon, NO_SANDBOX);
const both = [
  ['all layers', lab],
  ['no layer', bare],
] as const;

for (const [what, from] of both) {
  t.test(`${what}: a child finds no other process by its number`, async (t) => {
    const code = `
      const found = [];
      for (let pid = 1; pid <= params.to; pid++) {
        if (attempt(() => process.kill(pid, 0)) === 'ESRCH') continue;
        // It has numbers for its threads, too, which may have been started just now.
        if (sys('tgkill', process.pid, pid, 0) !== 0) found.push(pid);
      }
      return { found, self: process.pid, parent: process.ppid };`;
    // As many as there are on this machine, and a few more; the first is the one that its namespace began with.
    const to = Number(readFileSync('/proc/sys/kernel/pid_max', 'utf8')) > 100_000 ? 100_000 : 33_000;
    const { found, self, parent } = (await from.value(code, { to })) as Record<string, number[]>;
    t.strictSame(found, [1]);
    t.equal(self, 2);
    t.equal(parent, 0);
  });

  t.test(
    `${what}: neither the first process of its namespace nor its group can be killed from within`,
    async (t) => {
      t.strictSame(
        await from.value(
          `return [process.pid, attempt(() => process.kill(1, 'SIGKILL')), attempt(() => process.kill(-1, 'SIGKILL'))]`,
        ),
        [2, from === lab ? 'EPERM' : true, 'ESRCH'],
      );
      const { signal } = expectStatus(
        await from.attack(`process.kill(0, 'SIGKILL'); await sleep(5000)`),
        'signaled',
      );
      t.equal(signal, 'SIGKILL', 'its process group is itself');
      t.equal(await from.works(), true);
    },
  );
}

t.test('/proc of a child lists itself alone', async (t) => {
  const code = `return fs.readdirSync('/proc').sort()`;
  t.strictSame(await lab.value(code), ['2', 'self']);
  const exec = await Lab.start(t, addon, { profile: 'exec' });
  t.strictSame(await exec.value(code), ['2', 'self', 'thread-self']);
});

t.test('all that a child has started ends with it, however it hides', async (t) => {
  const mark = newMark();
  const exec = await Lab.start(t, addon, WITH_PROGRAMS, { env: { [MARK]: mark }, pool: NO_POOL });
  const before = markedProcesses(mark).length;
  const code = `
    const { spawn } = require('node:child_process');
    // In sessions of their own, with their parents gone, deaf to all signals but one.
    const script = 'trap "" HUP INT TERM; (setsid sh -c "trap \\'\\' HUP INT TERM; while :; do sleep 100; done" &) ; sleep 0.1';
    for (let i = 0; i < 3; i++) spawn('/bin/sh', ['-c', script], { detached: true, stdio: 'ignore', env: process.env }).unref();
    await sleep(400);
    return fs.readdirSync('/proc').filter((name) => Number(name) > 2).length;`;
  t.ok(((await exec.value(code)) as number) >= 6, 'they were there');
  await eventually('nothing is left', () => markedProcesses(mark).length <= before);
});

t.test('a process can not be made the child of the zygote', async (t) => {
  const CLONE_PARENT = 0x8000;
  const SIGCHLD = 17;
  for (const profile of ['compute', 'exec'] as const) {
    const own = await Lab.start(t, addon, { profile });
    const result = await own.attack(`sys('clone', params, 0, 0, 0, 0)`, CLONE_PARENT + SIGCHLD);
    t.equal(expectStatus(result, 'forbidden').syscall, 'clone', profile);
  }
});

t.test('a child is in a session and a process group of its own', async (t) => {
  const child = await lab.spawn('console.log(1); await sleep(10_000)', undefined, { stdout: 'pipe' });
  await new Promise((resolve) => child.stdout!.once('data', resolve));
  const [, , group, session] = readFileSync(`/proc/${child.pid}/stat`, 'latin1')
    .replace(/^.*\) /s, '')
    .split(' ');
  t.strictSame([group, session], [String(child.pid), String(child.pid)]);
  child.kill();
});
