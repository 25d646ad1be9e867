import type { Command } from '../arguments.js';
import { RUN_OPTIONS } from '../run/options.js';

export const run: Command = {
  name: 'run',
  about: 'Run a step: a module whose default export is called with { params, tables }.',
  operands: 'STEP [OPTION...] [-- ARGUMENT...]',
  options: RUN_OPTIONS,
  // What it takes to do it is loaded only then: help and mistakes are answered at once.
  run: async (given) => (await import('../run/step.js')).run(given),
};
