// The layer `capabilities`: none in any set, and no way to get one.
import { chmodSync, copyFileSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import t from 'tap';
import { compile } from '../helpers/compile.js';
import { buildRaw, HOST_TMP, Lab, only, statusOf, SYSTEM_CALLS } from '../helpers/security/lab.js';
import { WITH_PROGRAMS } from '../helpers/zygote.js';

const addon = buildRaw(t);
const lab = await Lab.start(t, addon);
/** Its children are root, without a user namespace, without a filter, in the host's own files. */
const alone = await Lab.start(t, addon, { off: only('capabilities') });

const SETS = ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'];

for (const [what, from] of [
  ['all layers', lab],
  ['this layer alone', alone],
] as const) {
  t.test(`${what}: no thread has a capability in any set`, async (t) => {
    const body = `await startWorkers();
      const { Worker } = require('node:worker_threads');
      const worker = new Worker('setInterval(() => {}, 1000); require("node:worker_threads").parentPort.postMessage(1)', { eval: true });
      await new Promise((resolve) => worker.once('message', resolve));
      console.log(1);
      await new Promise(() => setInterval(() => {}, 1000));`;
    const child = await from.spawn(body, undefined, { stdout: 'pipe' });
    await new Promise((resolve) => child.stdout!.once('data', resolve));
    const threads = readdirSync(`/proc/${child.pid}/task`);
    t.ok(threads.length > 5, 'there are threads of the runtime, and one of the code');
    for (const thread of threads) {
      for (const set of SETS) t.match(statusOf(child.pid, set, thread), /^0+$/, `${set} of ${thread}`);
      t.equal(statusOf(child.pid, 'NoNewPrivs', thread), '1');
    }
    child.kill();
  });
}

t.test('what needs a capability is refused, to root as well', async (t) => {
  const [CLONE_NEWNS, CLONE_NEWNET, MS_REMOUNT] = [0x2_0000, 0x4000_0000, 32];
  const code = `return [
    sys('mount', 0, text('/'), 0, params.MS_REMOUNT, 0),
    sys('mount', text('none'), text('/mnt'), text('tmpfs'), 0, 0),
    sys('umount2', text('/proc'), 2),
    sys('chroot', text('/tmp')),
    sys('unshare', params.CLONE_NEWNS),
    sys('unshare', params.CLONE_NEWNET),
    sys('sethostname', text('x'), 1),
    sys('setuid', 1),
    sys('setgroups', 0, 0),
    sys('mknod', text('/tmp/nodespawner-device'), 0o20666, 0x103),
  ]`;
  const told = (await alone.value(code, { CLONE_NEWNS, CLONE_NEWNET, MS_REMOUNT })) as string[];
  t.strictSame(
    told.filter((error) => error !== 'EPERM'),
    [],
  );
});

t.test('none can be had back: not by capset, ambient, securebits or the bounding set', async (t) => {
  const [PR_CAPBSET_READ, PR_SET_SECUREBITS, PR_GET_SECUREBITS, PR_CAP_AMBIENT] = [23, 28, 27, 47];
  const code = `
    const header = Buffer.alloc(8), sets = Buffer.alloc(24, 0xff);
    header.writeUInt32LE(0x20080522);
    const bounding = Array.from({ length: 64 }, (_, capability) => sys('prctl', params.PR_CAPBSET_READ, capability, 0, 0, 0));
    return {
      all: sys('capset', header, sets),
      one: (sets.fill(0), sets.writeUInt32LE(1 << 21, 4), sys('capset', header, sets)),
      inheritable: (sets.fill(0), sets.writeUInt32LE(1 << 21, 8), sys('capset', header, sets)),
      ambient: sys('prctl', params.PR_CAP_AMBIENT, 2, 21, 0, 0),
      unlock: sys('prctl', params.PR_SET_SECUREBITS, 0, 0, 0, 0),
      bits: sys('prctl', params.PR_GET_SECUREBITS, 0, 0, 0, 0),
      inBounding: bounding.filter((there) => there === 1).length,
    };`;
  const numbers = { PR_CAPBSET_READ, PR_SET_SECUREBITS, PR_GET_SECUREBITS, PR_CAP_AMBIENT };
  t.strictSame(await alone.value(code, numbers), {
    all: 'EPERM',
    one: 'EPERM',
    inheritable: 'EPERM',
    ambient: 'EPERM',
    unlock: 'EPERM',
    // NOROOT, NO_CAP_AMBIENT_RAISE, and the lock of each, which includes those of NO_SETUID_FIXUP and KEEP_CAPS.
    bits: 0b1110_1011,
    inBounding: 0,
  });
});

// ---- by starting a program

/** The program as a plain file, as one that is root's and set-user-ID, and as one that has capabilities. */
const programs = (() => {
  const plain = compile(t, 'security/regain', 'program', HOST_TMP);
  const folder = path.dirname(plain);
  const [setuid, capable] = [path.join(folder, 'setuid'), path.join(folder, 'capable')] as const;
  for (const copy of [setuid, capable]) copyFileSync(plain, copy);
  chmodSync(setuid, 0o6755);
  // As setcap(8) writes them: version 2, then permitted and inheritable, twice.
  const capabilities = Buffer.alloc(20);
  const CAP_NET_ADMIN = 12;
  capabilities.writeUInt32LE(0x0200_0000, 0);
  capabilities.writeUInt32LE(1 << CAP_NET_ADMIN, 4);
  const raw = createRequire(import.meta.url)(addon) as { call(...args: unknown[]): number };
  const text = (string: string): Buffer => Buffer.from(`${string}\0`);
  const { setxattr } = SYSTEM_CALLS;
  const set = raw.call(
    setxattr,
    text(capable),
    text('security.capability'),
    capabilities,
    capabilities.length,
    0,
  );
  if (set !== 0) throw new Error(`setxattr failed with ${-set}`);
  return { folder, all: [plain, setuid, capable] };
})();

t.test('a file that is set-user-ID, or has capabilities, gives none', async (t) => {
  const code = `const { execFileSync } = require('node:child_process');
    return params.map((program) => execFileSync(program, { encoding: 'utf8' }).trim().split(/\\s+/));`;
  const files = [...(WITH_PROGRAMS.files ?? []), programs.folder];
  const none = '0000000000000000';
  for (const [what, off, uid] of [
    ['all layers', [], /^[1-9]/],
    ['only ids of their own, and no_new_privs', only('user'), /^[1-9]/],
    ['only empty sets and securebits', only('capabilities'), /^0$/],
    ['only a root where set-user-ID counts for nothing', only('files', 'user'), /^[1-9]/],
  ] as const) {
    const own = await Lab.start(t, addon, { profile: 'exec', files, off });
    for (const [euid, , permitted, , effective] of (await own.value(code, programs.all)) as string[][]) {
      t.match(euid, uid, `${what}: the same user`);
      t.equal(permitted, none, what);
      t.equal(effective, none, what);
    }
  }
});
