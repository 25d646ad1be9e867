/** Collects garbage without leaving `gc` where users could find it, as the flag --expose-gc would. */
import v8 from 'node:v8';
import vm from 'node:vm';

/**
 * Whether V8 then forgets, with the objects that are gone, what kinds of objects the code has met: Node 20 has no
 * last-resort collection that could be asked for.
 */
export const forgetsKinds = Number.parseInt(process.versions.node) >= 22;

export function collectGarbage(): void {
  v8.setFlagsFromString('--expose-gc');
  const collect = vm.runInNewContext('gc') as (options: object) => void;
  v8.setFlagsFromString('--no-expose-gc');
  collect({ type: 'major', execution: 'sync', flavor: 'last-resort' });
}
