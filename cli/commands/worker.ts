import type { Command } from '../arguments.js';
import { WORKER_OPTIONS } from '../worker/options.js';

export const worker: Command = {
  name: 'worker',
  about: 'Run steps of workflows that others put into a queue, until it is told to end.',
  operands: '[OPTION...]',
  options: WORKER_OPTIONS,
  run: async (given) => (await import('../worker/worker.js')).worker(given),
};
