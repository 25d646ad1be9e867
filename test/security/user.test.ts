// The layer `user`: a user namespace, and a uid and gid of its own for each live child.
import { chmodSync, readlinkSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import path from 'node:path';
import t from 'tap';
import { HostProgram } from '../helpers/host-program.js';
import { asOtherUser } from '../helpers/other-user.js';
import { buildRaw, hostFolder, Lab, only, statusOf } from '../helpers/security/lab.js';
import { rejection } from '../helpers/zygote.js';
import { Zygote, type Child } from '../../lib/index.js';

const addon = buildRaw(t);
const lab = await Lab.start(t, addon);
const alone = await Lab.start(t, addon, { off: only('user') });

const { SIGCHLD } = constants.signals;

const WAIT = 'console.log(1); await new Promise(() => setInterval(() => {}, 1000));';

/** A child that runs until it is killed. */
async function waiting(from: Lab): Promise<Child> {
  const child = await from.spawn(WAIT, undefined, { stdout: 'pipe' });
  await new Promise((resolve) => child.stdout!.once('data', resolve));
  return child;
}

for (const [what, from] of [
  ['all layers', lab],
  ['this layer alone', alone],
] as const) {
  t.test(`${what}: each live child has a uid and a gid that nobody else has`, async (t) => {
    const children = await Promise.all([waiting(from), waiting(from), waiting(from)]);
    const ids = children.map(({ pid }) => {
      const uids = new Set(statusOf(pid, 'Uid').split(/\s+/));
      t.equal(uids.size, 1, 'real, effective, saved and that for files');
      t.equal(statusOf(pid, 'Gid'), statusOf(pid, 'Uid'), 'and the gid is the same number');
      t.equal(statusOf(pid, 'Groups'), '');
      return Number([...uids][0]);
    });
    t.equal(new Set(ids).size, children.length);
    for (const id of ids) t.ok(id >= 0x4000_0000 && id < 0x7000_0000, 'of the range that is the default');
    for (const child of children) child.kill();
  });

  t.test(`${what}: the user namespace is not the host's`, async (t) => {
    const child = await waiting(from);
    t.not(readlinkSync(`/proc/${child.pid}/ns/user`), readlinkSync('/proc/self/ns/user'));
    child.kill();
  });
}

t.test('a child can not change its ids, whatever it is told by the filter', async (t) => {
  const code = `return [
    sys('setuid', 0), sys('setgid', 0), sys('setresuid', 0, 0, 0), sys('setresgid', 0, 0, 0), sys('setreuid', 0, 0),
    sys('setgroups', 0, 0), sys('setresuid', -1, 1, -1), field('Uid').split(/\\s+/).every((id) => id !== '0'),
  ]`;
  const refused = ['EPERM', 'EPERM', 'EPERM', 'EPERM', 'EPERM', 'EPERM', 'EPERM', true];
  t.strictSame(await lab.value(code), refused);
  t.strictSame(await alone.value(code), refused);
});

t.test('the change of ids alone takes away all capabilities in effect', async (t) => {
  const code = `return ['CapPrm', 'CapEff', 'CapAmb'].map((set) => Number('0x' + field(set)))`;
  t.strictSame(await alone.value(code), [0, 0, 0]);
});

t.test('files that only the host may read stay closed, also if they are listed', async (t) => {
  const folder = hostFolder(t);
  for (const [name, mode] of [
    ['private', 0o600],
    ['of-the-group', 0o640],
    ['public', 0o644],
  ] as const) {
    writeFileSync(path.join(folder, name), 'text', { mode });
    chmodSync(path.join(folder, name), mode);
  }
  const listed = await Lab.start(t, addon, { off: only('user', 'files'), files: [folder] });
  const read = `return params.map((file) => attempt(() => fs.readFileSync(file, 'utf8')))`;
  const files = ['private', 'of-the-group', 'public'].map((name) => path.join(folder, name));
  t.strictSame(await listed.value(read, files), ['EACCES', 'EACCES', 'text']);
});

t.test('no user namespace can be made in this one', async (t) => {
  // A new process in a namespace of its own. (A process with threads can't make one for itself anyway.)
  const CLONE_NEWUSER = 0x1000_0000;
  const withFiles = await Lab.start(t, addon, { off: only('user', 'files') });
  t.equal(
    await withFiles.value(`return sys('clone', params, 0, 0, 0, 0)`, CLONE_NEWUSER + SIGCHLD),
    'ENOSPC',
  );
});

t.test('the caller chooses the range', async (t) => {
  const uids = { first: 1_200_000, count: 1024 };
  const own = await Lab.start(t, addon, { uids });
  const child = await waiting(own);
  const [uid] = statusOf(child.pid, 'Uid').split(/\s+/).map(Number);
  t.ok(uid! >= uids.first && uid! < uids.first + uids.count, String(uid));
  child.kill();
});

t.test('a range that is too small, or not there, is refused', async (t) => {
  for (const uids of [
    { first: 1000, count: 255 },
    { first: 0, count: 1024 },
    { first: 2 ** 31 - 100, count: 1024 },
    { first: -5, count: 1024 },
  ]) {
    t.equal((await rejection(Zygote.start({ preload: [], sandbox: { uids } }))).code, 'ERR_INVALID_OPTION');
  }
});

t.test(
  'a host that is root says that children have ids of their own, and of what is off that it is',
  async (t) => {
    t.equal(lab.zygote.sandbox.ownIds, true);
    const without = await Lab.start(t, addon, { off: ['user'] });
    t.equal(without.zygote.sandbox.ownIds, false);
    t.strictSame(without.zygote.sandbox.off, ['user']);
    t.notOk(without.zygote.sandbox.layers.includes('user'));
    const child = await waiting(without);
    t.equal(statusOf(child.pid, 'Uid').split(/\s+/)[0], '0', "the host's own");
    t.equal(readlinkSync(`/proc/${child.pid}/ns/user`), readlinkSync('/proc/self/ns/user'));
    child.kill();
  },
);

// ---- a host that is not root

const AS_OTHER = `
const zygote = await Zygote.start({ preload: [], sandbox: { profile: 'exec', files: [${JSON.stringify(path.dirname(addon))}] } });
const run = async (body, options) => {
  const code = 'const fs = require("node:fs"); module.exports = async () => {' + body + '};';
  const child = await zygote.spawn(code, {}, { stdin: 'ignore', stdout: 'ignore', stderr: 'ignore', ...options });
  return child.result;
};
`;

t.test('a host that is not root works, and says that children have no ids of their own', async (t) => {
  const host = new HostProgram(
    t,
    `${AS_OTHER}
     const { status, value } = await run(\`
       const status = fs.readFileSync('/proc/self/status', 'utf8');
       const map = fs.readFileSync('/proc/self/uid_map', 'utf8').trim().split(/\\\\s+/);
       return { nnp: /NoNewPrivs:\\\\s+1/.test(status), caps: /CapBnd:\\\\s+0+\\\\n/.test(status), map: [map[0], map[2]] };
     \`);
     say({ ownIds: zygote.sandbox.ownIds, layers: zygote.sandbox.layers, status, value });
     await zygote.close();`,
    { through: asOtherUser() },
  );
  const told = await host.next<{ ownIds: boolean; layers: string[]; status: string; value: unknown }>();
  t.equal(told.ownIds, false);
  t.ok(told.layers.includes('user'));
  t.equal(told.status, 'ok');
  t.strictSame(told.value, { nnp: true, caps: true, map: ['0', '1'] });
  t.equal((await host.end()).code, 0);
});

t.test('a host that is not root: a child can not signal the zygote, the launcher or a sibling', async (t) => {
  const host = new HostProgram(
    t,
    `${AS_OTHER}
     const sibling = await zygote.spawn('module.exports = () => new Promise((r) => setTimeout(r, 1500, "undisturbed"))');
     const statuses = [];
     for (const target of [0, -1]) statuses.push(await run(\`process.kill(\${target}, 'SIGKILL'); await new Promise(() => setInterval(() => {}, 50));\`, { timeoutMs: 3000 }));
     say({ fates: statuses.map(({ status, signal, error }) => signal ?? error?.code ?? status), alive: zygote.isAlive, sibling: (await sibling.result).value });
     await zygote.close();`,
    { through: asOtherUser() },
  );
  const told = await host.next<{ fates: string[]; alive: boolean; sibling: string }>();
  t.equal(told.fates[0], 'SIGKILL', 'kill(0) is for its own process group, which is itself');
  t.equal(told.fates[1], 'ESRCH', 'kill(-1) finds nobody');
  t.equal(told.alive, true);
  t.equal(told.sibling, 'undisturbed');
});

t.test(
  'a host that is not root: a child sees nothing of the process that its namespace began with',
  async (t) => {
    const host = new HostProgram(
      t,
      `${AS_OTHER}
     const { value } = await run(\`return ['cmdline', 'environ', 'mem', 'maps', 'root', 'status'].map((name) => {
       try { fs.openSync('/proc/1/' + name); return name; } catch (error) { return error.code; }
     });\`);
     say(value);
     await zygote.close();`,
      { through: asOtherUser() },
    );
    t.strictSame(await host.next(), Array(6).fill('ENOENT'));
  },
);
