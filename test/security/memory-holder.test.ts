// The process that shares a child's memory, so that nobody has to wait until the kernel has taken that apart.
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import os from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { allProcesses } from '../helpers/processes.js';
import { buildRaw, Lab, statusOf, SYSTEM_CALLS } from '../helpers/security/lab.js';
import { expectStatus } from '../helpers/zygote.js';
import type { Child } from '../../lib/index.js';

const addon = buildRaw(t);
const lab = await Lab.start(t, addon, {}, { preload: ['apache-arrow'] });

t.afterEach(async () => {
  if (!(await lab.works())) throw new Error('the next child does not work');
});

async function running(from: Lab, body: string): Promise<Child> {
  const child = await from.spawn(body, undefined, { stdout: 'pipe' });
  await once(child.stdout!, 'data');
  return child;
}

const WAIT = 'console.log(1); await sleep(60_000);';

/** RSEQ_SIG of glibc: a trap that no code has. */
const RSEQ_SIGNATURE = process.arch === 'x64' ? 0x53053053 : 0xd428bc00;

const pids = (): number[] => allProcesses().map(({ pid }) => pid);

function spaceOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`);
  } catch {
    return undefined;
  }
}

/** The processes of the user that this child has to itself, other than it: its pid is the host's. */
function othersOf({ pid }: Child): number[] {
  const uid = statusOf(pid, 'Uid');
  return pids().filter((other) => other !== pid && uidOf(other) === uid);
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
  t.match(readFileSync(`/proc/${holder}/limits`, 'utf8'), /^Max cpu time +1 +1 /m, 'what it uses, no child is charged');
  const [, session] = /\) . \d+ \d+ (\d+)/.exec(readFileSync(`/proc/${holder}/stat`, 'latin1')) ?? [];
  t.equal(session, String(holder), 'the session is its own, and so is what it uses of the CPU');
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
  while (uidOf(holder) !== undefined) await sleep(5);
});

t.test('a child that loses it is gone, and is said to be', async (t) => {
  const child = await running(lab, WAIT);
  const [holder = 0] = othersOf(child);
  process.kill(holder, 'SIGKILL');
  t.match(await child.result, { status: 'signaled', signal: 'SIGKILL' });
});

t.test('its end writes nothing to the memory of the child', async (t) => {
  // The words behind the thread pointer that are the id of the main thread: libc's record of it is among them.
  const body = `
    const pointer = raw.run(Buffer.from('64488b042500000000c3', 'hex')); // mov %fs:0, %rax; ret
    const ids = () => {
      const words = new Int32Array(new Uint8Array(raw.read(pointer, 4096)).buffer);
      return [...words.keys()].filter((at) => words[at] === process.pid).join();
    };
    console.log(ids());
    await new Promise((resolve) => process.stdin.once('data', resolve));
    console.log(ids());
    await sleep(60_000);`;
  const child = await lab.spawn(body, undefined, { stdin: 'pipe', stdout: 'pipe' });
  const said = async () => String((await once(child.stdout!, 'data'))[0]);
  const before = await said();
  const [holder = 0] = othersOf(child);
  const zygote = Number(statusOf(holder, 'PPid'));
  // It would end the child.
  process.kill(zygote, 'SIGSTOP');
  try {
    process.kill(holder, 'SIGKILL');
    while (!statusOf(holder, 'State').startsWith('Z')) await sleep(1);
    child.stdin!.end('on');
    t.match(before, /\d/);
    t.equal(await said(), before);
  } finally {
    process.kill(zygote, 'SIGCONT');
  }
  t.match(await child.result, { status: 'signaled' });
});

t.test('there is none where code may start processes', async (t) => {
  const starting = await Lab.start(t, addon, { profile: 'exec' });
  const child = await running(starting, WAIT);
  t.strictSame(othersOf(child), []);
  child.kill();
  await child.result;
});

t.test('made to go on by the host, where the child has put other code, it may call nothing', async (t) => {
  const body = `
    const { tableFromArrays } = require('apache-arrow');
    const table = raw.map(outputFd(), 2 ** 20, 3, 1);
    console.log(1);
    const said = () => new Promise((resolve) => process.stdin.once('data', resolve));
    const failed = raw.ambush(BigInt(await said()), table);
    console.log(failed);
    await said();
    const words = [...new BigInt64Array(new Uint8Array(raw.read(table, 8 * 513)).buffer)].map(Number);
    // What it counts is in the table that is returned, and goes on being counted.
    return { value: { failed, words }, tables: { a: tableFromArrays({ a: new Float64Array(4096) }) } };`;
  const child = await lab.spawn(body, undefined, { stdin: 'pipe', stdout: 'pipe' });
  await once(child.stdout!, 'data');
  const [holder = 0] = othersOf(child);
  // Where it is stopped it goes on at the instruction that it waits in: two bytes before the one that follows.
  const next = readFileSync(`/proc/${holder}/syscall`, 'utf8').trim().split(' ').at(-1)!;
  child.stdin!.write(String(BigInt(next) - 2n));
  await once(child.stdout!, 'data');
  process.kill(holder, 'SIGSTOP');
  while (!statusOf(holder, 'State').startsWith('T')) await sleep(1);
  process.kill(holder, 'SIGCONT');
  await sleep(100);
  child.stdin!.end('on');
  const { value, tables } = expectStatus(await child.result, 'ok');
  const { failed, words } = value as { failed: number; words: number[] };
  const [answers, count = 0] = [words.slice(0, 500), words[512]];
  t.equal(failed, 0);
  t.ok(count > 0, 'it runs the code');
  const passed = answers.flatMap((answer, call) => (answer === -os.constants.errno.EPERM ? [] : [call]));
  t.strictSame(
    passed,
    [SYSTEM_CALLS.exit_group, SYSTEM_CALLS.ppoll, 335, 336].sort((a = 0, b = 0) => a - b),
  );
  const read = (): readonly number[] => [...(tables.a!.getChild('a')!.toArray() as Float64Array)];
  const before = read();
  await sleep(20);
  t.strictSame(read(), before, 'what was returned does not change any more');
  t.notOk(existsSync(`/proc/${holder}`));
});

t.test('the kernel has the child continue where it says, and not the holder (rseq)', async (t) => {
  const register = `const area = raw.map(-1, 4096, 3, 0x22); return sys('rseq', area, 32, 0, ${RSEQ_SIGNATURE});`;
  // A thread can have one area, and this one has it.
  t.equal(await lab.value(register), 'EINVAL');
});

/** Takes the kernel a while to take apart, and has few pages: the same in many mappings (MAP_SHARED | MAP_POPULATE). */
const MANY_MAPPINGS = `
  const fd = outputFd();
  for (let i = 0; i < 64; i++) fs.writeSync(fd, Buffer.alloc(2 ** 20, 1));
  for (let i = 0; i < 60; i++) raw.map(fd, 2 ** 26, 1, 0x8001);`;

t.test('what a child leaves that had much memory is waited for', async (t) => {
  const child = await running(lab, `${MANY_MAPPINGS} console.log(1); await sleep(50); return 1;`);
  const [holder = 0] = othersOf(child);
  expectStatus(await child.result, 'ok');
  t.notOk(existsSync(`/proc/${holder}`));
});

t.test(
  'of a child that is killed the stub goes last, so that nobody else is in its control group before',
  async (t) => {
    const child = await running(lab, `${MANY_MAPPINGS} ${WAIT}`);
    const [holder = 0] = othersOf(child);
    const space = readlinkSync(`/proc/${child.pid}/ns/pid`);
    const [stub = 0] = pids().filter((pid) => pid !== child.pid && spaceOf(pid) === space);
    t.ok(stub > 0 && holder > 0);
    child.kill();
    let both = 0;
    for (;;) {
      const hasStub = existsSync(`/proc/${stub}`);
      if (!existsSync(`/proc/${holder}`)) break;
      if (!hasStub) t.fail('the stub is gone before the holder');
      if (!hasStub) break;
      both++;
      await sleep(1);
    }
    t.ok(both > 0);
    t.match(await child.result, { status: 'signaled' });
  },
);
