/** The names of tabs and inputs on the command line, before anything is run. */
import { nearest } from '../../lib/did-you-mean.js';
import type { Workflow } from '../../renderer/index.js';
import { usageError } from '../failure.js';
import { note } from '../output.js';
import { printableLine } from '../printable.js';
import type { Output } from '../run/outputs.js';
import type { InputFiles } from './inputs.js';

interface Named {
  readonly inputs: Pick<InputFiles, 'names'>;
  readonly outputs: readonly Output[];
}

/** @throws {Failure} */
export function checkNames({ tabs }: Workflow, { inputs, outputs }: Named): void {
  const ids = tabs.filter(({ steps }) => steps.length > 0).map(({ id }) => id);
  const there = ids.length === 0 ? 'there are no tabs with steps' : `there are ${ids.join(', ')}`;
  for (const { name, file } of outputs) {
    if (name === undefined && ids.length !== 1)
      throw usageError(`--output ${file}: say of which tab, as NAME=FILE; ${there}`);
    if (name !== undefined && !ids.includes(name))
      throw usageError(`--output ${name}=${file}: no such tab; ${guess(name, ids) ?? there}`);
  }
  const taken = tabs.flatMap(({ from, steps }) => [
    ...(from === undefined ? [] : [from]),
    ...steps.flatMap((step) => Object.values(step.inputs ?? {})),
  ]);
  for (const name of inputs.names) {
    if (taken.includes(name)) continue;
    const meant = guess(name, taken);
    note(
      printableLine(`--input ${name}: no tab and no step takes it${meant === undefined ? '' : `; ${meant}`}`),
    );
  }
}

function guess(name: string, names: readonly string[]): string | undefined {
  const meant = nearest(name, names);
  return meant === undefined ? undefined : `did you mean '${meant}'?`;
}
