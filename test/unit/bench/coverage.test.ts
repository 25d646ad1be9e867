// Code that was run for the first time is told from code that was run before.
import { tableFromArrays, tableToIPC } from 'apache-arrow';
import t from 'tap';
import { Coverage } from '../../../bench/coverage.js';
import { validateArrow } from '../../../lib/arrow/validate.js';

t.test('what is run anew is told once', (t) => {
  const file = tableToIPC(tableFromArrays({ n: [1, 2, 3] }), 'file');
  const stream = tableToIPC(tableFromArrays({ n: [1, 2, 3] }), 'stream');
  const coverage = new Coverage('/lib/arrow/');
  coverage.take();
  t.equal(coverage.take(), false, 'nothing was run');
  validateArrow(file);
  t.equal(coverage.take(), true, 'a file');
  const { size } = coverage;
  validateArrow(file);
  t.equal(coverage.take(), false, 'the same file');
  t.equal(coverage.size, size);
  validateArrow(stream);
  t.equal(coverage.take(), true, 'a stream');
  t.end();
});
