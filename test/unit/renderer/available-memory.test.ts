// How much memory a worker counts with: the machine's, or what the control groups leave that it is in.
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t, { type Test } from 'tap';
import { availableMemory } from '../../../renderer/workers/available-memory.js';
import { placesFor } from '../../../renderer/workers/worker-options.js';

const MIB = 1024 * 1024;

type Files = Readonly<Record<string, string | number>>;

/** A root of these files, with 8 GiB that the machine has to give. */
function rootOf(t: Test, files: Files): string {
  const root = t.testdir();
  for (const [name, text] of Object.entries({ 'proc/meminfo': meminfo(8 * 1024), ...files })) {
    const file = path.join(root, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, `${text}\n`);
  }
  return root;
}

const meminfo = (mebibytes: number): string =>
  `MemTotal: 16777216 kB\nMemAvailable:    ${mebibytes * 1024} kB`;

const mountinfo = (from: string, type: string, options: string): string =>
  `31 23 0:28 ${from} /sys/fs/cgroup rw,nosuid shared:4 - ${type} cgroup rw,${options}`;

/** The group, its own one below, and what is in each. */
function version2(own: string, groups: Readonly<Record<string, Files>>, from = '/'): Files {
  return {
    'proc/self/cgroup': `0::${own}`,
    'proc/self/mountinfo': mountinfo(from, 'cgroup2', 'nsdelegate'),
    ...filesOf(groups),
  };
}

function version1(own: string, groups: Readonly<Record<string, Files>>, from = '/'): Files {
  return {
    'proc/self/cgroup': `4:cpu:/elsewhere\n3:memory:${own}\n0::/`,
    'proc/self/mountinfo': mountinfo(from, 'cgroup', 'memory'),
    ...filesOf(groups),
  };
}

function filesOf(groups: Readonly<Record<string, Files>>): Files {
  return Object.fromEntries(
    Object.entries(groups).flatMap(([group, files]) =>
      Object.entries(files).map(([name, text]) => [path.join('sys/fs/cgroup', group, name), text]),
    ),
  );
}

function group2(max: number | 'max', current: number, inactive = 0, high: number | 'max' = 'max'): Files {
  return {
    'memory.max': max === 'max' ? max : max * MIB,
    'memory.high': high === 'max' ? high : high * MIB,
    'memory.current': current * MIB,
    'memory.stat': `anon ${current * MIB}\ninactive_file ${inactive * MIB}\nactive_file 1`,
  };
}

function group1(limit: number | undefined, usage: number, inactive = 0): Files {
  return {
    'memory.limit_in_bytes': limit === undefined ? '9223372036854771712' : limit * MIB,
    'memory.usage_in_bytes': usage * MIB,
    'memory.stat': `inactive_file 7\ntotal_inactive_file ${inactive * MIB}`,
  };
}

const cases: readonly (readonly [what: string, files: Files, mebibytes: number])[] = [
  ['a machine without control groups', {}, 8192],
  ['version 2: a limit of its own', version2('/app', { app: group2(1024, 256) }), 768],
  ['version 2: no limit', version2('/app', { app: group2('max', 256) }), 8192],
  ['version 2: more than the machine has', version2('/app', { app: group2(65_536, 256) }), 8192],
  [
    'version 2: what is stopped before it is killed',
    version2('/app', { app: group2(1024, 256, 0, 512) }),
    256,
  ],
  ['version 2: files that can be taken back', version2('/app', { app: group2(1024, 900, 700) }), 824],
  ['version 2: more is used than there may be', version2('/app', { app: group2(512, 600) }), 0],
  [
    'version 2: a group above has less',
    version2('/pod/app/host', { pod: group2(512, 400), 'pod/app': group2(1024, 100), 'pod/app/host': {} }),
    112,
  ],
  ['version 2: a container that sees its group as the root', version2('/', { '.': group2(1024, 24) }), 1000],
  [
    'version 2: a container with the path of the host, and a mount of its own group',
    version2('/docker/0a/below', { '.': group2(1024, 24), below: group2('max', 24) }, '/docker/0a'),
    1000,
  ],
  [
    'version 2: a path of which the mount shows nothing',
    version2('/../elsewhere', { '.': group2(1024, 24) }),
    1000,
  ],
  ['version 1: a limit of its own', version1('/app', { app: group1(1024, 256) }), 768],
  ['version 1: no limit', version1('/app', { app: group1(undefined, 256) }), 8192],
  ['version 1: files that can be taken back', version1('/app', { app: group1(1024, 900, 700) }), 824],
  [
    'version 1: a group above has less',
    version1('/pod/app', { pod: group1(512, 400), 'pod/app': group1(undefined, 100) }),
    112,
  ],
  [
    'version 1: a container with the path of the host',
    version1('/docker/0a', { '.': group1(1024, 24) }, '/docker/0a'),
    1000,
  ],
];

for (const [what, files, mebibytes] of cases)
  t.test(what, (t) => {
    t.equal(availableMemory(rootOf(t, files)) / MIB, mebibytes);
    t.end();
  });

t.test('this machine has some', (t) => {
  const bytes = availableMemory();
  t.ok(Number.isSafeInteger(bytes) && bytes > 0, String(bytes));
  t.end();
});

t.test('as many children as there are cores and memory for, and one in any case', (t) => {
  const places = (available: number, cores: number) => placesFor(512 * MIB, available * MIB, cores);
  // Three quarters of it.
  t.equal(places(8192, 4), 4);
  t.equal(places(8192, 64), 12);
  t.equal(places(2048, 8), 3);
  t.equal(places(2047, 8), 2);
  t.equal(places(700, 8), 1);
  t.equal(places(512, 8), 1);
  t.equal(places(0, 8), 1);
  t.end();
});
