import type { Command } from '../arguments.js';

export const DEFAULT_SPAWNS = 200;
export const DEFAULT_PLAIN = 20;

export const bench: Command = {
  name: 'bench',
  about: 'Measure how soon code runs here, and a small step is done, against a plain node.',
  operands: '[OPTION...]',
  options: [
    { name: 'spawns', value: 'N', about: `How often each is measured (${DEFAULT_SPAWNS}).` },
    { name: 'plain', value: 'N', about: `How often a plain node is (${DEFAULT_PLAIN}).` },
  ],
  run: async (given) => (await import('../bench/bench.js')).bench(given),
};
