/** What `nodespawner worker` takes. */
import type { Option } from '../arguments.js';
import { QUEUE_OPTIONS } from '../queue.js';
import { STEP_OPTIONS } from '../render/options.js';

export const WORKER_OPTIONS: readonly Option[] = [
  ...QUEUE_OPTIONS,
  {
    name: 'concurrency',
    value: 'N',
    about: 'Steps that are run at once; auto is as many as there are cores and memory for (auto).',
  },
  {
    name: 'tenant-limit',
    value: 'N/TIME',
    about: 'Steps of one tenant that all workers together begin in a time, such as 100/1m (none).',
  },
  {
    name: 'drain',
    value: 'TIME',
    about: 'On SIGTERM: how long it goes on with what was begun, before it gives it back (30s).',
  },
  {
    name: 'lock',
    value: 'TIME',
    about: 'After so long without a sign of life, the steps of a worker are given to others (30s).',
  },
  {
    name: 'retry',
    value: 'TIME',
    about:
      'How long a step is tried again that fails for reasons not its own, such as a store that is away (2m).',
  },
  {
    name: 'listen',
    value: '[HOST:]PORT',
    about: 'Where /healthz, /readyz, /stats and /metrics are (nowhere).',
  },
  {
    name: 'cache',
    value: 'FOLDER',
    about: 'Keep tables and results of this machine there (in memory only).',
  },
  { name: 'from', value: 'FOLDER', about: 'Where --preload finds its modules (the current folder).' },
  ...STEP_OPTIONS,
];
