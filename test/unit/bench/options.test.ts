// What can't be done is said before anything is measured.
import t from 'tap';
import { findNodes } from '../../../bench/nodes.js';
import { readOptions } from '../../../bench/options.js';

t.test('a chart of round trips needs round trips', (t) => {
  t.throws(() => readOptions(['--parts', 'start', '--svg', 'chart.svg']), { message: /latency or peers/ });
  for (const args of [['--parts', 'latency'], ['--parts', 'start', '--peers'], []])
    t.equal(readOptions([...args, '--svg', 'chart.svg']).charts.svg, 'chart.svg');
  t.end();
});

t.test('no version of Node is left out silently', (t) => {
  t.throws(() => findNodes(['own', '1']), { message: /Not all of Node own,1/ });
  t.same(findNodes(['own']), [process.execPath]);
  t.end();
});
