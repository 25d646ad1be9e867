import t from 'tap';
import { median, summarize } from '../../../bench/statistics.js';

t.test('quantiles interpolate between the two nearest, in any order of the values', (t) => {
  t.match(summarize([4, 1, 3, 2, 5]), { count: 5, p25: 2, p50: 3, p75: 4, p99: 4.96, mean: 3 });
  t.equal(median([2, 1]), 1.5);
  t.end();
});

t.test('the deviation is that of a sample', (t) => {
  t.equal(summarize([2, 4, 4, 4, 5, 5, 7, 9]).deviation.toFixed(3), '2.138');
  t.equal(summarize([7]).deviation, 0);
  t.end();
});
