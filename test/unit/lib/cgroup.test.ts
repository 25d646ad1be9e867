// Which group, but for the host's own, children's groups are made in (version 2 of control groups).
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { delegatedAbove } from '../../../lib/cgroup.js';

t.test('a unit that the host has the whole of, and no group that others are in', (t) => {
  const point = t.testdir();
  const above = (own: string): string[] =>
    delegatedAbove(path.join(point, own), { point }).map((found) => path.relative(point, found));
  t.strictSame(above('system.slice/app.service/host'), ['system.slice/app.service']);
  t.strictSame(above('user.slice/run-1.scope/host'), ['user.slice/run-1.scope']);
  t.strictSame(above('system.slice/app.service'), []);
  t.strictSame(above('group/host'), []);
  t.strictSame(above('../elsewhere.service/host'), []);
  t.end();
});

t.test("the top of what a container sees, and not the machine's", (t) => {
  const point = t.testdir();
  mkdirSync(path.join(point, 'host'));
  const above = (own: string): string[] => delegatedAbove(path.join(point, own), { point });
  t.strictSame(above('host'), []);
  writeFileSync(path.join(point, 'cgroup.type'), 'domain\n');
  t.strictSame(above('host'), [point]);
  t.strictSame(above('.'), []);
  t.strictSame(above('host/below'), []);
  t.end();
});
