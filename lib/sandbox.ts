/** From what the caller asks for to what the launcher and the zygote are told. */
import type { SandboxConfig } from '../protocol/start.js';
import { findCgroupParents, namedCgroupParents, type CgroupParents } from './cgroup.js';
import { DEFAULT_UIDS } from './defaults.js';
import { canGiveIds } from './ids.js';
import { LAYER_BITS, SANDBOX_LAYERS, type SandboxLayer } from './layers.js';
import { planNetwork } from './network/plan.js';
import type { CheckedSandboxOptions } from './options.js';
import { readFilter } from './seccomp.js';
import type { ActiveSandbox, SandboxLimits } from './types.js';

export interface SandboxPlan {
  /** Options of native/launcher/options.h. */
  readonly launcherArguments: readonly string[];
  readonly config: SandboxConfig;
  readonly active: ActiveSandbox;
}

/** RLIMIT_* of getrlimit(2), which are the same on both architectures. */
const RLIMIT_CPU = 0;
const RLIMIT_FSIZE = 1;
const RLIMIT_CORE = 4;
const RLIMIT_NPROC = 6;
const RLIMIT_NOFILE = 7;
const RLIMIT_MEMLOCK = 8;
const RLIMIT_SIGPENDING = 11;
const RLIMIT_MSGQUEUE = 12;
const RLIMIT_NICE = 13;
const RLIMIT_RTPRIO = 14;

/** How many tasks more than its control group RLIMIT_NPROC leaves to a child. */
const NPROC_MARGIN = 16;

/**
 * Signals that a child may queue, real-time ones: those of the user of the user namespace, that is of the host, count them
 * all. Node queues none; in programs pthread_cancel(3) does.
 */
const EXEC_SIGNALS = 16;

const TMP_INODES = 16_384;

/** A range that the caller chose is tried in any case: what is wrong with it, the kernel says. */
function givesIds(uids: CheckedSandboxOptions['uids']): boolean {
  return canGiveIds(uids) || (uids !== DEFAULT_UIDS && process.getuid?.() === 0);
}

/** The limits that hold; `Infinity` where the layer that would enforce one is off. */
export function limitsInForce({ off, limits }: CheckedSandboxOptions): Required<SandboxLimits> {
  const byLayer = (layer: SandboxLayer, limit: number): number => (off.includes(layer) ? Infinity : limit);
  return {
    memoryBytes: byLayer('limits', limits.memoryBytes),
    tasks: byLayer('limits', limits.tasks),
    openFiles: byLayer('limits', limits.openFiles),
    fileBytes: byLayer('limits', limits.fileBytes),
    tmpBytes: byLayer('files', limits.tmpBytes),
    // The host's own reading, which no layer is needed for.
    outputBytes: limits.outputBytes,
    cpuMs: byLayer('limits', limits.cpuMs),
  };
}

function resourceLimits(
  options: CheckedSandboxOptions,
  hasOwnIds: boolean,
  hasCgroups: boolean,
  tasks: number,
): [number, number, number][] {
  const { limits } = options;
  const both = (resource: number, value: number): [number, number, number] => [resource, value, value];
  const rlimits = [
    // Too little for a file; and where core(5) files go to a program, 1 is the number that stops that, and 0 isn't.
    both(RLIMIT_CORE, 1),
    both(RLIMIT_MSGQUEUE, 0),
    both(RLIMIT_NICE, 0),
    both(RLIMIT_RTPRIO, 0),
    both(RLIMIT_MEMLOCK, 65_536),
    both(RLIMIT_SIGPENDING, options.profile === 'exec' ? EXEC_SIGNALS : 0),
    both(RLIMIT_NOFILE, limits.openFiles),
    both(RLIMIT_FSIZE, limits.fileBytes),
  ];
  // Counted for each user, so it is the child's own only where the child has a user of its own. A control group counts
  // how often it has refused, and so has to be the first to do it.
  if (hasOwnIds) rlimits.push(both(RLIMIT_NPROC, tasks + (hasCgroups ? NPROC_MARGIN : 0)));
  if (limits.cpuMs !== Infinity) {
    // SIGXCPU says why; one who ignores it gets SIGKILL a second later.
    const seconds = Math.ceil(limits.cpuMs / 1000);
    rlimits.push([RLIMIT_CPU, seconds, seconds + 1]);
  }
  return rlimits;
}

export function planSandbox(options: CheckedSandboxOptions): SandboxPlan {
  const on = SANDBOX_LAYERS.filter((layer) => !options.off.includes(layer));
  const has = (layer: SandboxLayer): boolean => on.includes(layer);
  const hasOwnIds = has('user') && givesIds(options.uids);
  const { limits } = options;
  const isSingleProcess = has('syscalls') && options.profile === 'compute';
  // In its namespaces, by more layers than one (native/launcher/stubs.h, networks.h).
  const leavesNothing = isSingleProcess && has('files') && has('capabilities');
  // The holder of its memory (native/memory_holder.h) counts as one.
  const tasks = limits.tasks + (isSingleProcess ? 1 : 0);
  const cgroups: CgroupParents | undefined =
    !has('limits') || options.off.includes('cgroup')
      ? undefined
      : options.cgroups === undefined
        ? findCgroupParents()
        : namedCgroupParents(options.cgroups);
  const bits = on.reduce((sum, layer) => sum | LAYER_BITS[layer], 0);
  const filter = readFilter(options.profile);
  const memory = !has('limits')
    ? 'none'
    : cgroups === undefined
      ? 'rlimit'
      : (`cgroup${cgroups.version}` as const);
  return {
    launcherArguments: [
      `--layers=${bits}`,
      ...(hasOwnIds ? [`--child-ids=${options.uids.first}:${options.uids.count}`] : []),
      ...options.files.map((file) => `--bind=${file}`),
      ...(cgroups?.directories ?? []).map((directory) => `--cgroup=${directory}`),
      ...(leavesNothing ? ['--reuse-networks'] : []),
      ...(has('limits') ? [`--memory=${limits.memoryBytes}`, `--tasks=${tasks}`] : []),
      ...(options.network === undefined ? [] : planNetwork(options.network)),
    ],
    config: {
      layers: bits,
      skipped: 0,
      limits: has('limits') ? resourceLimits(options, hasOwnIds, cgroups !== undefined, tasks) : [],
      dataBytes: memory === 'rlimit' ? limits.memoryBytes : 0,
      tmp: { bytes: limits.tmpBytes, inodes: TMP_INODES },
      hasNetwork: options.network !== undefined,
      filter: filter.program.toString('base64'),
      // Programs look at /proc for what they are themselves, which a cover can't show them.
      coversProc: has('files') && options.profile !== 'exec',
      singleProcess: isSingleProcess,
      reusesStubs: leavesNothing,
      filterProbe: filter.probe,
    },
    active: Object.freeze({
      profile: options.profile,
      layers: Object.freeze(on),
      off: Object.freeze([...options.off]),
      ownIds: hasOwnIds,
      memory,
    }),
  };
}
