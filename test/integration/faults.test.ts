// A few rounds of what `node dist/bench/faults.js` does in hundreds.
import t from 'tap';
import { faults } from '../../bench/faults.js';

t.test('whoever is killed, nothing is left running, and each call is settled', async (t) => {
  const seed = Math.floor(Math.random() * 2 ** 32);
  const { killed, problems } = await faults(10, seed);
  t.strictSame(problems, [], `seed ${seed}`);
  t.strictSame(killed, { host: 3, zygote: 3, child: 2, holder: 2 });
});
