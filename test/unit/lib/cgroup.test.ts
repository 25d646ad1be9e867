// Which group, but for the host's own, children's groups are made in (version 2 of control groups).
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import type { Mount } from '../../../lib/cgroup-mounts.js';
import { delegatedAbove, namedCgroupParents } from '../../../lib/cgroup.js';

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

t.test('of groups that the caller names, the version, and whether there is all that limits need', (t) => {
  const mount = (point: string, type: string, ...options: string[]): Mount => {
    return { root: '/', point, type, options: ['rw', ...options] };
  };
  const mounts = [
    mount('/', 'ext4'),
    mount('/sys/fs/cgroup', 'tmpfs'),
    mount('/sys/fs/cgroup/memory', 'cgroup', 'memory'),
    mount('/sys/fs/cgroup/pids', 'cgroup', 'pids'),
    mount('/sys/fs/cgroup/unified', 'cgroup2'),
  ];
  const version = (...directories: string[]): number => namedCgroupParents(directories, mounts).version;
  t.equal(version('/sys/fs/cgroup/unified/a/b'), 2);
  t.equal(version('/sys/fs/cgroup/memory/a', '/sys/fs/cgroup/pids'), 1);
  const ERR = { code: 'ERR_SANDBOX_UNAVAILABLE' };
  t.throws(() => version('/sys/fs/cgroup/pids/a'), { ...ERR, message: /no controller memory is/ });
  t.throws(() => version('/sys/fs/cgroup/memory', '/sys/fs/cgroup/memory/a'), {
    ...ERR,
    message: /no controller pids is/,
  });
  t.throws(() => version(), { ...ERR, message: /names no directory.*memory and none pids/ });
  // What is mounted above covers it.
  const covered = [...mounts, mount('/sys/fs/cgroup', 'cgroup2')];
  t.equal(namedCgroupParents(['/sys/fs/cgroup/a'], covered).version, 2);
  t.end();
});
