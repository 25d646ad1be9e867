// Whoever is to be killed for want of memory: a child, and neither the host nor the zygote.
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { findCgroupParents } from '../../lib/cgroup.js';
import { eventually } from '../helpers/eventually.js';
import { HostProgram } from '../helpers/host-program.js';
import { zygoteTree } from '../helpers/processes.js';
import { buildRaw, Lab } from '../helpers/security/lab.js';
import { MARK, newMark, WITH_PROGRAMS } from '../helpers/zygote.js';

const MIB = 2 ** 20;
const addon = buildRaw(t);

t.test(
  'a child, and what it starts, is what the kernel kills first; nothing else has that mark',
  async (t) => {
    const mark = newMark();
    const lab = await Lab.start(t, addon, WITH_PROGRAMS, { env: { [MARK]: mark } });
    const code = `require('node:child_process').spawn('/bin/sleep', ['100']); console.log(1); await sleep(60_000)`;
    const child = await lab.spawn(code, undefined, { stdout: 'pipe' });
    await new Promise((resolve) => child.stdout!.once('data', resolve));
    const tree = await eventually('all are there', () => zygoteTree(mark));
    const score = (pid: number): number => Number(readFileSync(`/proc/${pid}/oom_score_adj`, 'utf8'));
    t.ok(tree.others.length >= 2);
    for (const { pid, name } of tree.others) t.equal(score(pid), 1000, name);
    for (const { pid, name } of [tree.launcher, tree.init, tree.zygote, ...tree.stubs])
      t.ok(score(pid) < 1000, name);
    child.kill();
  },
);

t.test('a child can not take the mark off', async (t) => {
  const lab = await Lab.start(t, addon, { profile: 'exec' });
  const code = `return [attempt(() => fs.writeFileSync('/proc/self/oom_score_adj', '0')), fs.readFileSync('/proc/self/oom_score_adj', 'utf8').trim()]`;
  const [error, score] = (await lab.value(code)) as string[];
  t.match(error, /^(EROFS|EACCES)$/);
  t.equal(score, '1000');
});

t.test('in a control group that is full, the child dies, and host, zygote and sibling live', async (t) => {
  const parents = findCgroupParents();
  if (parents === undefined) throw new Error('this needs a control group in which groups can be made');
  // A group for a host with less memory than its children may have, so that theirs isn't the limit that is reached. In
  // version 2, as of a unit that systemd delegates: the host is in a group below, and children get theirs beside it.
  const isVersion2 = parents.version === 2;
  const limited = parents.directories.map((directory) =>
    path.join(directory, `nodespawner-test-${process.pid}${isVersion2 ? '.service' : ''}`),
  );
  const hosts = isVersion2 ? limited.map((group) => path.join(group, 'host')) : limited;
  const groups = [...new Set([...limited, ...hosts])];
  for (const group of groups) mkdirSync(group);
  for (const group of limited)
    for (const name of ['memory.max', 'memory.limit_in_bytes'])
      if (existsSync(path.join(group, name))) writeFileSync(path.join(group, name), String(400 * MIB));
  t.teardown(async () => {
    for (const group of groups.reverse())
      await eventually('the group is empty', () => {
        try {
          rmdirSync(group);
        } catch (error) {
          return (error as NodeJS.ErrnoException).code === 'ENOENT';
        }
        return true;
      });
  });
  const join = hosts.map((group) => `echo $$ > ${group}/cgroup.procs`).join(' && ');
  const host = new HostProgram(
    t,
    `// Larger than the child that is going to be killed.
     const ballast = Buffer.alloc(200 * 2 ** 20, 1);
     const zygote = await Zygote.start({ preload: [], sandbox: { limits: { memoryBytes: 4 * 2 ** 30 } } });
     // Until then it takes memory itself, and the kernel would look for somebody else to kill while the child ends.
     while (!zygote.isWarm) await new Promise((resolve) => setTimeout(resolve, 10));
     const sibling = await zygote.spawn('module.exports = () => new Promise((r) => process.stdin.once("data", () => r("undisturbed")))', {}, { stdin: 'pipe' });
     const bomb = await zygote.spawn('module.exports = () => { const all = []; for (;;) all.push(Buffer.alloc(2 ** 20, 1)); }');
     const { status } = await bomb.result;
     sibling.stdin.end('on');
     const { value } = await sibling.result;
     const again = await zygote.run('module.exports = () => "works"');
     say({ memory: zygote.sandbox.memory, status, sibling: value, alive: zygote.isAlive, again: again.value, ballast: ballast[1000] });
     await zygote.close();`,
    { through: ['/bin/sh', '-c', `${join} && exec "$@"`, 'sh'] },
  );
  t.strictSame(await host.next(), {
    memory: `cgroup${parents.version}`,
    status: 'outOfMemory',
    sibling: 'undisturbed',
    alive: true,
    again: 'works',
    ballast: 1,
  });
  t.equal((await host.end()).code, 0);
});
