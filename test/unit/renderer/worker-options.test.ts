// What a worker can be started with.
import t from 'tap';
import { checkWorkerOptions } from '../../../renderer/workers/worker-options.js';
import type { WorkerOptions } from '../../../renderer/index.js';

t.test('options that are for a Renderer with a queue are refused, and not ignored', (t) => {
  for (const name of ['maxTabs', 'maxSteps', 'maxChildren']) {
    const options = { queue: { connection: {} }, [name]: 1 } as unknown as WorkerOptions;
    t.throws(() => checkWorkerOptions(options), { code: 'ERR_INVALID_OPTION', option: `options.${name}` });
  }
  t.end();
});
