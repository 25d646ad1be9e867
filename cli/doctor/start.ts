/** Starts a zygote and a child, which is the only proof. */
import { performance } from 'node:perf_hooks';
import type { ActiveSandbox, ZygoteOptions, ZygoteStartError } from '../../lib/index.js';
import { SANDBOX_LAYERS, type SandboxLayer } from '../../lib/layers.js';
import { NodespawnerError } from '../../protocol/errors.js';
import { interruption } from '../interrupt.js';

export interface Attempt {
  readonly sandbox: ActiveSandbox;
  /** Of the runtime and of preloaded modules, that each child gets. */
  readonly threads: number;
  readonly startMs: number;
  readonly callMs: number;
}

/** @throws what start() throws */
export async function attempt(options: ZygoteOptions): Promise<Attempt> {
  // Without a binary for this machine the library can't even be loaded.
  const { Zygote } = await import('../../lib/index.js');
  interruption.throwIfAborted();
  const before = performance.now();
  const zygote = await Zygote.start({ pool: { min: 0, max: 0 }, ...options });
  try {
    const started = performance.now();
    await zygote.run('module.exports = () => 1', {}, { signal: interruption });
    const { sandbox, threads } = zygote;
    return { sandbox, threads, startMs: started - before, callMs: performance.now() - started };
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
      await attempt({ ...options, sandbox: { ...options.sandbox, off } });
      found.set(layer, undefined);
    } catch (error) {
      interruption.throwIfAborted();
      found.set(layer, whyNot(error));
    }
  }
  return found;
}
