/** Starts a zygote and a child, which is the only proof. */
import { performance } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import type { ActiveSandbox, Pinning, Zygote, ZygoteOptions, ZygoteStartError } from '../../lib/index.js';
import { SANDBOX_LAYERS, type SandboxLayer } from '../../lib/layers.js';
import { NodespawnerError } from '../../protocol/errors.js';
import { interruption } from '../interrupt.js';

export interface Attempt {
  readonly sandbox: ActiveSandbox;
  /** Of the runtime and of preloaded modules, that each child gets. */
  readonly threads: number;
  readonly startMs: number;
  readonly callMs: number;
  /** Undefined if the zygote did not become warm. */
  readonly pinning: Pinning | undefined;
}

/** How long a zygote may take to become warm, of which each preloaded module is a part, in milliseconds. */
const WARM_TIMEOUT_MS = 30_000;

async function pinningOf(zygote: Zygote): Promise<Pinning | undefined> {
  const until = performance.now() + WARM_TIMEOUT_MS;
  while (!zygote.isWarm && zygote.isAlive && performance.now() < until)
    await pause(10, undefined, { signal: interruption });
  return zygote.pinning;
}

/**
 * @param untilWarm whether to wait for what tells of memory that is pinned
 * @throws what start() throws
 */
export async function attempt(options: ZygoteOptions, untilWarm: boolean): Promise<Attempt> {
  // Without a binary for this machine the library can't even be loaded.
  const { Zygote } = await import('../../lib/index.js');
  interruption.throwIfAborted();
  const before = performance.now();
  const zygote = await Zygote.start({ pool: { min: 0, max: 0 }, ...options });
  try {
    const started = performance.now();
    await zygote.run('module.exports = () => 1', {}, { signal: interruption });
    const callMs = performance.now() - started;
    const pinning = untilWarm ? await pinningOf(zygote) : undefined;
    const { sandbox, threads } = zygote;
    return { sandbox, threads, startMs: started - before, callMs, pinning };
  } finally {
    await zygote.close();
  }
}

/** Why it didn't work, in one line: what the launcher says is in its output. */
export function whyNot(error: unknown): string {
  if (!(error instanceof NodespawnerError)) return error instanceof Error ? error.message : String(error);
  const { output = '' } = error as Partial<ZygoteStartError>;
  const [message = ''] = error.message.split('\n');
  const [said = ''] = output.trim().split('\n');
  return said === '' ? message : `${message}: ${said}`;
}

/** Each layer by itself, with all others off: why it can't be had, or undefined. */
export async function eachLayer(
  options: ZygoteOptions,
): Promise<ReadonlyMap<SandboxLayer, string | undefined>> {
  const found = new Map<SandboxLayer, string | undefined>();
  for (const layer of SANDBOX_LAYERS) {
    const off = SANDBOX_LAYERS.filter((other) => other !== layer);
    try {
      await attempt({ ...options, sandbox: { ...options.sandbox, off } }, false);
      found.set(layer, undefined);
    } catch (error) {
      interruption.throwIfAborted();
      found.set(layer, whyNot(error));
    }
  }
  return found;
}
