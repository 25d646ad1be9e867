// Where a layer can't be had, start() fails, and says which system call, which errno and what to change.
import { mkdtempSync, rmSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { findCgroupParents } from '../../lib/cgroup.js';
import { Zygote } from '../../lib/index.js';
import { SANDBOX_LAYERS } from '../../lib/layers.js';
import { compile } from '../helpers/compile.js';
import { HostProgram } from '../helpers/host-program.js';
import { asOtherUser, withoutCapabilities } from '../helpers/other-user.js';
import { HOST_TMP } from '../helpers/security/lab.js';
import { rejection, startZygote } from '../helpers/zygote.js';
import type { SandboxOptions } from '../../lib/index.js';

const deny = compile(t, 'security/deny', 'program');

interface Told {
  readonly code?: string;
  readonly message?: string;
  readonly sandbox?: { readonly ownIds: boolean; readonly memory: string };
  readonly value?: unknown;
}

/** What a host says that is started by this command and tries to start a zygote. */
async function started(through: readonly string[], sandbox: SandboxOptions = {}): Promise<Told> {
  const host = new HostProgram(
    t,
    `try {
       const zygote = await Zygote.start({ preload: [], sandbox: ${JSON.stringify(sandbox)} });
       const { value } = await zygote.run('module.exports = () => 1');
       say({ sandbox: zygote.sandbox, value });
       await zygote.close();
     } catch ({ code, message }) { say({ code, message }); }`,
    { through },
  );
  const told = await host.next<Told>();
  await host.end();
  return told;
}

async function refusal(through: readonly string[], sandbox?: SandboxOptions): Promise<string> {
  const { code, message = '' } = await started(through, sandbox);
  if (code !== 'ERR_SANDBOX_UNAVAILABLE') throw new Error(`it should be refused: ${code} ${message}`);
  return message;
}

/** The host in a namespace in which none of a kind can be made. */
function without(kind: string): readonly string[] {
  const script = `echo 0 > /proc/sys/user/max_${kind}_namespaces && exec "$@"`;
  return ['unshare', '--user', '--map-root-user', 'sh', '-c', script, 'sh'];
}

t.test('each kind of namespace that is used up', async (t) => {
  t.match(
    await refusal(without('user')),
    /clone\(CLONE_NEWUSER\|CLONE_NEWPID\): .*errno 28.*user\.max_user_namespaces/,
  );
  t.match(await refusal(without('pid')), /errno 28.*user\.max_pid_namespaces/);
  t.match(await refusal(without('mnt')), /unshare\(CLONE_NEWNS\): .*errno 28/);
  for (const kind of ['net', 'ipc', 'uts'])
    t.match(await refusal(without(kind)), /clone\(stub\) failed with ENOSPC; raise sysctl user\.max_/, kind);
  t.match(await refusal(without('cgroup')), /unshare\(CLONE_NEWCGROUP\) failed with ENOSPC; raise sysctl/);
});

t.test('as in a container: each call that its filter refuses', async (t) => {
  const without = (call: string): readonly string[] => [deny, call, '--'];
  t.match(
    await refusal(without('clone')),
    /clone\(CLONE_NEWUSER\|CLONE_NEWPID\): .*errno 1\b.*kernel\.apparmor_restrict_unprivileged_userns=0; in Docker: --cap-add=SYS_ADMIN/,
  );
  t.match(await refusal(without('unshare')), /unshare\(CLONE_NEWNS\): .*errno 1\b.*in Docker/);
  t.match(await refusal(without('mount')), /mount\(MS_PRIVATE\): .*errno 1\b.*in Docker/);
  t.match(await refusal(without('pivot_root')), /pivot_root: .*errno 1\b.*in Docker/);
  t.match(await refusal(without('setns')), /setns failed with EPERM; namespaces must be allowed; in Docker/);
  t.match(await refusal(without('seccomp')), /seccomp\(SECCOMP_SET_MODE_FILTER\) failed with EPERM/);
});

t.test('as in a container: /proc that is masked in part', async (t) => {
  const mask =
    'mount -t tmpfs -o ro tmpfs /proc/acpi 2>/dev/null || mount -t tmpfs -o ro tmpfs /proc/fs; exec "$@"';
  const message = await refusal(['unshare', '--mount', 'sh', '-c', mask, 'sh']);
  t.match(message, /mount\(proc\): .*errno 1\b.*systempaths=unconfined.*procMount: Unmasked/);
});

t.test('without CAP_SYS_ADMIN, and without a user namespace in which to have it', async (t) => {
  const through = withoutCapabilities('sys_admin');
  t.match(
    await refusal(through, { off: ['user'] }),
    /clone\(CLONE_NEWPID\): .*errno 1\b.*allow user namespaces/,
  );
  t.equal((await started(through)).value, 1, 'with one it is not needed');
});

t.test('a control group that can not be written to, or is not there', async (t) => {
  for (const directory of ['/proc', '/var/tmp/nodespawner-not-there']) {
    const error = await rejection(Zygote.start({ preload: [], sandbox: { cgroups: [directory] } }));
    t.equal(error.code, 'ERR_SANDBOX_UNAVAILABLE');
    t.match(error.message, new RegExp(`${directory}/nodespawner-.*errno \\d+.*cgroup`));
  }
  const folder = mkdtempSync(path.join(HOST_TMP, 'nodespawner-no-cgroup-'));
  t.teardown(() => {
    rmSync(folder, { recursive: true });
  });
  t.match(
    await rejection(Zygote.start({ preload: [], sandbox: { cgroups: [folder] } })),
    { code: 'ERR_SANDBOX_UNAVAILABLE' },
    'a folder that is none',
  );
});

t.test(
  'control groups that the caller names: their version is said, and they have to hold all',
  async (t) => {
    const found = findCgroupParents();
    if (found === undefined) throw new Error('this needs a control group in which groups can be made');
    const zygote = await startZygote(t, { sandbox: { cgroups: found.directories } });
    t.equal(zygote.sandbox.memory, `cgroup${found.version}`);
    for (const cgroups of [[], ...(found.version === 1 ? [found.directories.slice(0, 1)] : [])]) {
      const error = await rejection(Zygote.start({ preload: [], sandbox: { cgroups } }));
      t.match(error, { code: 'ERR_SANDBOX_UNAVAILABLE', message: /^sandbox\.cgroups names / });
    }
  },
);

t.test(
  'where the host may not make control groups, the sandbox says that something else holds memory',
  async (t) => {
    const readOnly =
      'for m in $(awk \'$3 ~ /^cgroup/ {print $2}\' /proc/mounts); do mount -o remount,bind,ro "$m"; done; exec "$@"';
    const told = await started(['unshare', '--mount', 'sh', '-c', readOnly, 'sh']);
    t.equal(told.value, 1);
    t.equal(told.sandbox?.memory, 'rlimit');
  },
);

t.test(
  'root without ids to give: children go without, and it is said; a range that was asked for is an error',
  async (t) => {
    for (const through of [
      ['unshare', '--user', '--map-root-user'],
      withoutCapabilities('setuid', 'setgid'),
    ]) {
      const told = await started(through);
      t.equal(told.value, 1, through.join(' '));
      t.equal(told.sandbox?.ownIds, false);
      const message = await refusal(through, { uids: { first: 2_000_000, count: 256 } });
      t.match(message, /(uid_map|setgroups).*errno 1\b.*sandbox\.uids/);
    }
  },
);

t.test('a host that is not root: the same, and no more is needed', async (t) => {
  const told = await started(asOtherUser());
  t.equal(told.value, 1);
  t.equal(told.sandbox?.ownIds, false);
  t.match(await refusal([...asOtherUser()], { off: ['user'] }), /clone\(CLONE_NEWPID\): .*errno 1\b/);
});

t.test('each result says what was active', async (t) => {
  for (const off of [[], ['uts', 'ipc'], SANDBOX_LAYERS] as const) {
    const zygote = await startZygote(t, { preload: ['./entries.cjs'], sandbox: { off } });
    t.strictSame(zygote.sandbox.off, [...off]);
    const child = await zygote.spawn('throw 1');
    const entry = await zygote.spawnProcess({ module: './entries.cjs', export: 'wait' });
    entry.kill();
    for (const { sandbox } of [await child.result, await entry.wait()]) t.strictSame(sandbox, zygote.sandbox);
  }
});

t.test('a layer is gone without only if it is named', async (t) => {
  // The same circumstances as above, with the layer off that can't be had.
  t.equal((await started([deny, 'seccomp', '--'], { off: ['syscalls'] })).value, 1);
  t.equal((await started(without('net'), { off: ['network'] })).value, 1);
  t.equal((await started(without('ipc'), { off: ['ipc'] })).value, 1);
  t.equal((await started(without('cgroup'), { off: ['cgroup'] })).value, 1);
  for (const off of [['nothing'], ['user', 'users'], 'user']) {
    const error = await rejection(Zygote.start({ preload: [], sandbox: { off } as never }));
    t.equal(error.code, 'ERR_INVALID_OPTION');
  }
});
