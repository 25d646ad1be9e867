/** Collects garbage without leaving `gc` where users could find it, as the flag --expose-gc would. */
import type v8 from 'node:v8';
import vm from 'node:vm';

/**
 * Whether V8 then forgets, with the objects that are gone, what kinds of objects the code has met: Node 20 has no
 * last-resort collection that could be asked for.
 */
export const forgetsKinds = Number.parseInt(process.versions.node) >= 22;

// A preloaded module may replace it.
const getBuiltinModule = process.getBuiltinModule.bind(process) as (id: string) => unknown;

export function collectGarbage(): void {
  // Loaded late: nothing else here needs it, and no start has to wait for it.
  const { setFlagsFromString } = getBuiltinModule('node:v8') as typeof v8;
  setFlagsFromString('--expose-gc');
  const collect = vm.runInNewContext('gc') as (options: object) => void;
  setFlagsFromString('--no-expose-gc');
  collect({ type: 'major', execution: 'sync', flavor: 'last-resort' });
}
