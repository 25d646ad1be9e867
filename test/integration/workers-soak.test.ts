// A few of the workflows that `node dist/bench/workers-soak.js` renders by the hundred.
import t from 'tap';
import { soakWorkers } from '../../bench/workers-soak.js';

t.test(
  'workflows come to what they should, once, while workers are killed, Redis is restarted and the store refuses',
  async (t) => {
    const seed = Math.floor(Math.random() * 2 ** 32);
    const everyMs = { kill: 4_000, restart: 5_000, away: 10_000 };
    const plan = {
      until: { workflows: 8 },
      atOnce: 4,
      workers: 2,
      seed,
      store: 's3',
      everyMs,
      mostKills: 3,
    } as const;
    const { problems, outcomes, faults } = await soakWorkers(plan);
    t.strictSame(problems, [], `seed ${seed}`);
    t.ok((outcomes.ok ?? 0) > 8);
    t.ok(faults > 0);
  },
);
