// The layers `ipc`, `uts` and `cgroup`: what siblings and host have under names is not in a child's namespaces.
import { execFileSync } from 'node:child_process';
import { readlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { hostname } from 'node:os';
import t from 'tap';
import { buildRaw, Lab, only, SYSTEM_CALLS } from '../helpers/security/lab.js';
import type { SandboxLayer } from '../../lib/layers.js';

const addon = buildRaw(t);
const lab = await Lab.start(t, addon);

const KEY = 0x6e73_7000 + (process.pid & 0xfff);
const IPC_CREAT = 0o1000;

t.test("each namespace is the child's own, the layer alone and all together", async (t) => {
  const spaces: [SandboxLayer, string][] = [
    ['ipc', 'ipc'],
    ['uts', 'uts'],
    ['cgroup', 'cgroup'],
    ['network', 'net'],
    ['files', 'mnt'],
  ];
  for (const [layer, name] of spaces) {
    const alone = await Lab.start(t, addon, { off: only(layer) });
    const own = new Set([readlinkSync(`/proc/self/ns/${name}`)]);
    // All at a time: the kernel gives the number of a namespace that is gone to another.
    const children = [];
    for (const from of [alone, alone, lab, lab]) {
      const child = await from.spawn('console.log(1); await sleep(10_000)', undefined, { stdout: 'pipe' });
      children.push(child);
      await new Promise((resolve) => child.stdout!.once('data', resolve));
      own.add(readlinkSync(`/proc/${child.pid}/ns/${name}`));
      t.not(readlinkSync(`/proc/${child.pid}/ns/pid`), readlinkSync('/proc/self/ns/pid'));
      // Of the others it has the host's where they are off.
      if (from === alone)
        for (const [other, otherName] of spaces)
          if (other !== layer)
            t.equal(
              readlinkSync(`/proc/${child.pid}/ns/${otherName}`),
              readlinkSync(`/proc/self/ns/${otherName}`),
            );
    }
    t.equal(own.size, 5, name);
    for (const child of children) child.kill();
  }
});

t.test('ipc alone: no object of System V or POSIX is seen by host or siblings', async (t) => {
  const alone = await Lab.start(t, addon, { off: only('ipc') });
  const raw = createRequire(import.meta.url)(addon) as { call(...args: unknown[]): number };
  const id = raw.call(SYSTEM_CALLS.shmget, KEY, 4096, IPC_CREAT | 0o666);
  t.ok(id >= 0, "the host's");
  t.teardown(() => raw.call(SYSTEM_CALLS.shmctl, id, 0, 0));
  const code = `return {
    hosts: [sys('shmget', params.KEY, 4096, 0), sys('shmat', params.id, 0, 0)],
    made: sys('shmget', params.KEY + 1, 4096, params.IPC_CREAT | 0o666) >= 0,
    sem: sys('semget', params.KEY + 1, 1, params.IPC_CREAT | 0o666) >= 0,
    msg: sys('msgget', params.KEY + 1, params.IPC_CREAT | 0o666) >= 0,
    mq: sys('mq_open', text('nodespawner'), 0o102, 0o666, 0) >= 0,
    wait: (console.log(1), await sleep(params.ms), 0),
  }`;
  const find = `return [
    sys('shmget', params.KEY + 1, 4096, 0), sys('semget', params.KEY + 1, 1, 0), sys('msgget', params.KEY + 1, 0),
    sys('mq_open', text('nodespawner'), 2, 0, 0),
  ]`;
  const maker = await alone.spawn(code, { KEY, id, IPC_CREAT, ms: 300 }, { stdout: 'pipe' });
  await new Promise((resolve) => maker.stdout!.once('data', resolve));
  t.strictSame(
    await alone.value(find, { KEY }),
    ['ENOENT', 'ENOENT', 'ENOENT', 'ENOENT'],
    'a sibling finds nothing',
  );
  t.equal(raw.call(SYSTEM_CALLS.shmget, KEY + 1, 4096, 0), -2, 'nor does the host');
  const result = await maker.result;
  t.match(result, {
    status: 'ok',
    value: { hosts: ['ENOENT', 'EINVAL'], made: true, sem: true, msg: true, mq: true },
  });
  t.strictSame(
    await alone.value(find, { KEY }),
    ['ENOENT', 'ENOENT', 'ENOENT', 'ENOENT'],
    'it ended with its child',
  );
});

t.test('the filter alone: no such object can be asked for', async (t) => {
  const filter = await Lab.start(t, addon, { off: only('syscalls') });
  const code = `return ['shmget', 'shmat', 'shmdt', 'shmctl', 'semget', 'semop', 'semtimedop', 'semctl', 'msgget', 'msgsnd', 'msgrcv', 'msgctl',
    'mq_open', 'mq_unlink', 'mq_timedsend', 'mq_timedreceive', 'mq_notify', 'mq_getsetattr', 'memfd_create', 'memfd_secret']
    .map((name) => [name, sys(name, 0, 0, 0, 0, 0)]).filter(([, error]) => error !== 'EPERM')`;
  t.strictSame(await filter.value(code), []);
  t.strictSame(await lab.value(code), []);
});

t.test('uts: the name of the host is not told, and can not be changed', async (t) => {
  const alone = await Lab.start(t, addon, { off: only('uts') });
  t.equal(await lab.value('return os.hostname()'), 'child');
  t.equal(await alone.value('return os.hostname()'), 'child');
  // It may, being root with all capabilities, and it is its own.
  const before = hostname();
  t.strictSame(await alone.value(`return [sys('sethostname', text('other'), 5), os.hostname()]`), [
    0,
    'other',
  ]);
  t.equal(execFileSync('hostname', { encoding: 'utf8' }).trim(), before);
  t.equal(await alone.value('return os.hostname()'), 'child');
});

t.test('cgroup: its own group is the root of what it sees', async (t) => {
  const all = await Lab.start(t, addon, { profile: 'exec' });
  const alone = await Lab.start(t, addon, { off: only('cgroup', 'limits') });
  for (const from of [all, alone]) {
    const groups = (await from.value(`return lines('/proc/self/cgroup')`)) as string[];
    for (const line of groups) t.match(line, /^\d+:[^:]*:\/$/);
  }
  t.equal(await lab.value(`return attempt(() => fs.readdirSync('/sys/fs/cgroup'))`), 'ENOENT');
});

t.test(
  'without the layer cgroup a child is not told of the groups either, but for their names',
  async (t) => {
    const without = await Lab.start(t, addon, { off: ['cgroup'] });
    t.equal(await without.value(`return attempt(() => fs.readdirSync('/sys'))`), 'ENOENT');
  },
);
