/** Collects garbage without leaving `gc` where users could find it, as the flag --expose-gc would. */
import type v8 from 'node:v8';
import vm from 'node:vm';

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
