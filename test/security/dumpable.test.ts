// The layer `dumpable`, and what else keeps one process out of the memory of another.
import { readFileSync, statSync } from 'node:fs';
import t from 'tap';
import { buildRaw, Lab, only, SYSTEM_CALLS } from '../helpers/security/lab.js';
import { expectStatus, NO_SANDBOX } from '../helpers/zygote.js';

const addon = buildRaw(t);
const lab = await Lab.start(t, addon);
const alone = await Lab.start(t, addon, { off: only('dumpable') });
/** Two of a user, with this layer and without capabilities; it is what a host that isn't root has. */
const sameUser = await Lab.start(t, addon, { off: only('dumpable', 'capabilities') });
const without = await Lab.start(t, addon, { off: only('capabilities') });

const WAIT = `console.log(1); await sleep(60_000);`;

t.test('the files in /proc that show a child are not its own to open', async (t) => {
  for (const from of [lab, alone]) {
    const child = await from.spawn(WAIT, undefined, { stdout: 'pipe' });
    await new Promise((resolve) => child.stdout!.once('data', resolve));
    t.equal(statSync(`/proc/${child.pid}/mem`).uid, 0);
    child.kill();
  }
  const exec = await Lab.start(t, addon, { profile: 'exec' });
  t.strictSame(
    await exec.value(`return ['mem', 'environ', 'auxv', 'pagemap', 'io', 'task/2/mem', 'clear_refs', 'syscall', 'stack'].map((name) => attempt(() => fs.openSync('/proc/self/' + name)))
      .filter((error) => typeof error === 'number')`),
    [],
  );
});

t.test('a child is not dumpable, and can not make itself so', async (t) => {
  const code = `return [sys('prctl', 3, 0, 0, 0, 0), sys('prctl', 4, 1, 0, 0, 0), sys('prctl', 3, 0, 0, 0, 0)]`;
  t.strictSame(await lab.value(code), [0, 'ENOSYS', 0]);
  const [state] = (await alone.value(code)) as number[];
  t.equal(state, 0, 'the layer alone');
  const bare = await Lab.start(t, addon, NO_SANDBOX);
  t.equal(((await bare.value(code)) as number[])[0], 1, 'with the layer off');
});

t.test(
  'a sibling of the same user reads no memory: not by ptrace, process_vm_readv, /proc or a pidfd',
  async (t) => {
    // Its pid in the host's /proc is told to the attacker, whose files are the host's here.
    const attack = `
    const iov = Buffer.from(new BigUint64Array([raw.map(-1, 4096, 3, 0x22), 8n]).buffer);
    const open = (name) => attempt(() => fs.openSync('/proc/' + params.pid + '/' + name));
    return {
      proc: ['mem', 'environ', 'maps', 'auxv', 'fd/0', 'root', 'cwd', 'exe'].map(open),
      // By pid it isn't there at all: it is in another PID namespace.
      trace: [sys('ptrace', 16, params.pid, 0, 0), sys('ptrace', 0x4206, params.pid, 0, 0)],
      memory: sys('process_vm_readv', params.pid, iov, 1, iov, 1, 0),
      pidfd: sys('pidfd_open', params.pid, 0),
      kcmp: sys('kcmp', process.pid, params.pid, 0, 0, 0),
      kill: sys('kill', params.pid, 0),
    };`;
    for (const [from, shown] of [
      [sameUser, false],
      [without, true],
    ] as const) {
      const victim = await from.spawn(WAIT, undefined, { stdout: 'pipe' });
      await new Promise((resolve) => victim.stdout!.once('data', resolve));
      const told = (await from.value(attack, { pid: victim.pid })) as Record<string, unknown>;
      const opened = (told.proc as unknown[]).filter((result) => typeof result === 'number');
      if (shown) t.ok(opened.length > 0, 'with the layer off /proc shows it: so the rest says something');
      else t.strictSame(opened, []);
      t.strictSame(told.trace, ['ESRCH', 'ESRCH']);
      for (const name of ['memory', 'pidfd', 'kcmp', 'kill']) t.equal(told[name], 'ESRCH', name);
      victim.kill();
    }
  },
);

t.test('the filter forbids what looks into other processes, its own included', async (t) => {
  for (const [name, ...args] of [
    ['ptrace', 0, 0, 0, 0],
    ['process_vm_readv', 2, 0, 0, 0, 0, 0],
    ['process_vm_writev', 2, 0, 0, 0, 0, 0],
    ['kcmp', 2, 2, 0, 0, 0],
  ] as const) {
    if (!(name in SYSTEM_CALLS)) continue;
    const result = await lab.attack(`return sys(...params)`, [name, ...args]);
    t.equal(expectStatus(result, 'forbidden').syscall, name);
  }
});

t.test('no core of a child, whatever the host does with cores', async (t) => {
  const child = await lab.spawn(WAIT, undefined, { stdout: 'pipe' });
  await new Promise((resolve) => child.stdout!.once('data', resolve));
  t.match(readFileSync(`/proc/${child.pid}/limits`, 'utf8'), /^Max core file size +1 +1 /m);
  child.kill('SIGQUIT');
  t.equal(expectStatus(await child.result, 'signaled').signal, 'SIGQUIT');
});
