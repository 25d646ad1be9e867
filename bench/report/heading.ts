/** Where, when and how the figures were had. */
import type { Machine } from '../machine.js';

export function heading(machine: Machine): string {
  const { cpu, cores, memoryGb, kernel, system, commit, date, command, loadBefore } = machine;
  return [
    `${machine.machine}: ${cores} cores of ${cpu}, ${memoryGb} GB, ${system}, kernel ${kernel}`,
    `load ${loadBefore.map((load) => load.toFixed(1)).join(' ')} before`,
    `commit ${commit}, ${date}: ${command}`,
    'Milliseconds, unless it is said. Contestants take turns. L: what the kernel takes for clone, exit and wait of a tiny',
    'static program, in the same run.',
  ].join('\n');
}
