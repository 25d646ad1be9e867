// The yardstick of the benchmarks answers each call with what its code returned, and tells when it can't.
import { tableFromArrays, tableToIPC } from 'apache-arrow';
import t from 'tap';
import { WaitingNode } from '../../bench/waiting-node.js';

t.test('answers come whole and in turn, however long they are', async (t) => {
  await using node = await WaitingNode.start();
  t.equal(await node.run("module.exports = () => 'x'.repeat(400_000)"), 'x'.repeat(400_000));
  t.equal(await node.run("module.exports = () => ''"), '');
  const table = tableToIPC(tableFromArrays({ value: new Float64Array(300_000) }));
  t.equal(await node.run('module.exports = ({ tables }) => tables.input.numRows', table), '300000');
});

t.test('whoever waits for one that ends is told, and so is whoever comes after', async (t) => {
  await using node = await WaitingNode.start();
  await t.rejects(node.run('process.exit(3)'), { message: /has ended: exit code 3/ });
  await t.rejects(node.run('module.exports = () => 1'), { message: /has ended: exit code 3/ });
});
