/** The zygotes that are measured. */
import { setTimeout } from 'node:timers/promises';
import { Zygote, type ZygoteOptions } from '../lib/index.js';

/** How long the pool takes to replace the children that were parked before the zygote was warm, in milliseconds. */
const RENEWED_MS = 200;

/** With apache-arrow, and everything else as it is by default. */
export function startCold(preload: readonly string[], options: ZygoteOptions = {}): Promise<Zygote> {
  return Zygote.start({ preload: ['apache-arrow', ...preload], from: import.meta.url, ...options });
}

export async function whenWarm(zygote: Zygote): Promise<void> {
  while (!zygote.isWarm) await setTimeout(5);
}

/** One whose children are as cheap as they get. */
export async function startZygote(preload: readonly string[], options: ZygoteOptions = {}): Promise<Zygote> {
  const zygote = await startCold(preload, options);
  await whenWarm(zygote);
  await setTimeout(RENEWED_MS);
  return zygote;
}

/** One that has no child parked, and clones each on demand. */
export async function startOnDemand(
  preload: readonly string[],
  options: ZygoteOptions = {},
): Promise<Zygote> {
  const zygote = await startZygote(preload, { ...options, pool: { min: 0, max: 0 } });
  // By which it has shown that it can.
  while (zygote.parked > 0) await zygote.run('module.exports = () => 1');
  return zygote;
}
