// A few of the workflows that `node dist/bench/renderer-soak.js` renders by the hundred.
import t from 'tap';
import { soakRenderer } from '../../bench/renderer-soak.js';

t.test('many workflows at once, some of whose steps are hostile, come to what they should', async (t) => {
  const seed = Math.floor(Math.random() * 2 ** 32);
  const { problems, outcomes } = await soakRenderer({ until: { workflows: 24 }, atOnce: 8, seed });
  t.strictSame(problems, [], `seed ${seed}`);
  t.ok((outcomes.ok ?? 0) > 24);
});
