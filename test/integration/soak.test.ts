// A short soak: `npm run soak` is the long one.
import { availableParallelism } from 'node:os';
import t from 'tap';
import { soak } from '../../bench/soak.js';
import { JOBS } from '../../bench/soak-jobs.js';

t.test('300 children under load do what they should, and nothing is left of them', async (t) => {
  const { spawns, perJob, problems } = await soak({ spawns: 300, atOnce: 3 * availableParallelism() });
  t.strictSame(problems, []);
  t.equal(spawns, 300);
  t.strictSame(Object.keys(perJob), Object.keys(JOBS), 'each kind of them');
});
