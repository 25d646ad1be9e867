/** What does each layer of the sandbox add to a spawn? Zygotes that go without one of them take turns. */
import type { Zygote } from '../lib/index.js';
import { SANDBOX_LAYERS, type SandboxLayer } from '../lib/layers.js';
import { nodespawnerCall, type CallTimes } from './contestants.js';
import type { Plan } from './plan.js';
import { rotate, type Turn } from './rotate.js';
import { startOnDemand } from './zygotes.js';

/** What is switched off: nothing, one layer, or all of them. */
export type Without = 'nothing' | SandboxLayer | 'everything';

/** Of calls for which a child is cloned on demand. The same index is the same round. */
export type Layers = Readonly<Record<Without, readonly CallTimes[]>>;

const WITHOUT: readonly Without[] = ['nothing', ...SANDBOX_LAYERS, 'everything'];

function layersOff(without: Without): readonly SandboxLayer[] {
  if (without === 'nothing') return [];
  return without === 'everything' ? SANDBOX_LAYERS : [without];
}

export async function layers({ variantSpawns, warmUp, preload }: Plan): Promise<Layers> {
  const zygotes: Zygote[] = [];
  const turns: [Without, Turn<CallTimes>][] = [];
  for (const without of WITHOUT) {
    const zygote = await startOnDemand(preload, { sandbox: { off: layersOff(without) } });
    zygotes.push(zygote);
    turns.push([without, { contestant: nodespawnerCall(zygote, false), times: variantSpawns }]);
  }
  const series = await rotate(
    Object.fromEntries(turns) as Record<Without, Turn<CallTimes>>,
    Math.min(warmUp, 5),
  );
  await Promise.all(zygotes.map((zygote) => zygote.close()));
  return series;
}
