// A layer that was set up and is not in force is noticed by the child itself, before it is given anything to run.
import t from 'tap';
import { ZygoteStartError } from '../../lib/errors.js';
import { LAYER_BITS, type SandboxLayer } from '../../lib/layers.js';
import { checkZygoteOptions } from '../../lib/options.js';
import { planSandbox, type SandboxPlan } from '../../lib/sandbox.js';
import { startZygoteProcess } from '../../lib/zygote-process.js';
import { canHaveNetworks } from '../helpers/network.js';
import { allProcesses } from '../helpers/processes.js';
import { eventually } from '../helpers/eventually.js';
import { rejection } from '../helpers/zygote.js';
import type { SandboxOptions } from '../../lib/index.js';

/** What start() says when its plan is changed behind its back. */
async function refusal(sandbox: SandboxOptions, change: (plan: SandboxPlan) => SandboxPlan): Promise<string> {
  const options = checkZygoteOptions({ preload: [], sandbox });
  const error = await rejection(
    startZygoteProcess(options, () => undefined, change(planSandbox(options.sandbox))),
  );
  if (!(error instanceof ZygoteStartError)) throw error;
  if (error.code !== 'ERR_SANDBOX_UNAVAILABLE') throw error;
  return error.message;
}

/** Children don't set this layer up, and still have to find it. */
const skip =
  (...layers: SandboxLayer[]) =>
  (plan: SandboxPlan): SandboxPlan => ({
    ...plan,
    config: { ...plan.config, skipped: layers.reduce((bits, layer) => bits | LAYER_BITS[layer], 0) },
  });

/** The launcher doesn't make this layer, and the zygote isn't told. */
const forget =
  (layer: SandboxLayer) =>
  (plan: SandboxPlan): SandboxPlan => ({
    ...plan,
    launcherArguments: plan.launcherArguments.map((argument) =>
      argument.startsWith('--layers=')
        ? `--layers=${Number(argument.slice('--layers='.length)) & ~LAYER_BITS[layer]}`
        : argument,
    ),
  });

t.test('a child that skips a layer says which', async (t) => {
  for (const [layer, expected] of [
    ['user', /verify: (wrong uid or gid|a user namespace could be made)/],
    ['ipc', /verify: the IPC namespace is the zygote's/],
    ['uts', /verify: the UTS namespace is the zygote's/],
    ['network', /verify: the network namespace is the zygote's/],
    ['files', /verify: the mount namespace is the zygote's/],
    ['cgroup', /verify: the cgroup namespace is the zygote's/],
    ['capabilities', /verify: a capability is left/],
    ['syscalls', /verify: seccomp is off/],
    ['limits', /verify: a resource limit is not in force/],
    ['dumpable', /verify: memory is dumpable/],
  ] as const) {
    const message = await refusal({}, skip(layer));
    t.match(message, expected, layer);
    t.match(message, /EPERM; a layer was set up and is not in force/, layer);
  }
});

t.test('a child that skips a layer says so with all others off, too', async (t) => {
  const layers = Object.keys(LAYER_BITS) as SandboxLayer[];
  for (const layer of layers) {
    const message = await refusal({ off: layers.filter((other) => other !== layer) }, skip(layer));
    t.match(message, /children can't be confined: verify: /, layer);
  }
});

/** `kSkipProcCover` and `kSkipNewFds` of native/sandbox.h. */
const PROC_COVER = 2 ** 30;
const NEW_FDS = 2 ** 29;

t.test("a child that keeps the zygote's descriptors says so, with all layers off, too", async (t) => {
  const kept = (plan: SandboxPlan): SandboxPlan => ({
    ...plan,
    config: { ...plan.config, skipped: NEW_FDS },
  });
  const expected = /verify: a descriptor is left failed with EPERM/;
  t.match(await refusal({}, kept), expected);
  t.match(await refusal({ off: Object.keys(LAYER_BITS) as SandboxLayer[] }, kept), expected);
});

t.test('a child that leaves /proc uncovered says so, with all other layers off, too', async (t) => {
  const uncovered = (plan: SandboxPlan): SandboxPlan => ({
    ...plan,
    config: { ...plan.config, skipped: PROC_COVER },
  });
  const expected = /verify: \/proc shows more than it should failed with EPERM/;
  t.match(await refusal({}, uncovered), expected);
  const layers = Object.keys(LAYER_BITS) as SandboxLayer[];
  t.match(await refusal({ off: layers.filter((layer) => layer !== 'files') }, uncovered), expected);
});

t.test('with all capabilities, a namespace could be made: it is tried', async (t) => {
  t.match(await refusal({ off: ['user'] }, skip('capabilities')), /verify: a namespace could be made/);
});

t.test('a layer that the launcher forgets is missed by the child', async (t) => {
  for (const layer of ['ipc', 'uts', 'network', 'cgroup'] as const)
    t.match(
      await refusal({}, forget(layer)),
      /verify: the \w+ namespace is the zygote's|setns failed with EPERM/,
      layer,
    );
  t.match(await refusal({}, forget('files')), /verify: |setns/, 'files');
  t.match(await refusal({}, forget('user')), /verify: |setgroups|setresgid|setns/, 'user');
});

/** As if the host had decided otherwise whether there is to be a network. */
const claim =
  (hasNetwork: boolean) =>
  (plan: SandboxPlan): SandboxPlan => ({ ...plan, config: { ...plan.config, hasNetwork } });

t.test('a way to the network that is not there is missed', async (t) => {
  t.match(await refusal({}, claim(true)), /verify: there is no way to the router/);
});

t.test('a way to the network that should not be there is found', { skip: canHaveNetworks() }, async (t) => {
  t.match(await refusal({ profile: 'network' }, claim(false)), /verify: there is a way to a network/);
});

t.test('a filter that lets everything through is none', async (t) => {
  const allowAll = Buffer.alloc(8);
  allowAll.writeUInt16LE(0x06, 0); // BPF_RET | BPF_K
  allowAll.writeUInt32LE(0x7fff_0000, 4); // SECCOMP_RET_ALLOW
  const message = await refusal({}, (plan) => ({
    ...plan,
    config: { ...plan.config, filter: allowAll.toString('base64') },
  }));
  t.match(message, /seccomp \(the filter does not answer\)/);
});

t.test('a filter that is no program, and a limit that there is not, are named with the errno', async (t) => {
  const noProgram = await refusal({}, (plan) => ({
    ...plan,
    config: { ...plan.config, filter: Buffer.alloc(8, 0xff).toString('base64') },
  }));
  t.match(noProgram, /seccomp\(SECCOMP_SET_MODE_FILTER\) failed with EINVAL; .*CONFIG_SECCOMP_FILTER/);
  const noLimit = await refusal({}, (plan) => ({
    ...plan,
    config: { ...plan.config, limits: [[99, 1, 1]] },
  }));
  t.match(noLimit, /setrlimit failed with EINVAL/);
});

t.test('nothing is left of a zygote whose children can not be confined', async (t) => {
  const launchers = (): number =>
    allProcesses().filter(({ name }) => name.startsWith('nodespawner-la')).length;
  const before = launchers();
  await refusal({}, skip('syscalls'));
  await eventually('its launcher is gone', () => launchers() <= before);
  t.pass('it is gone');
});
