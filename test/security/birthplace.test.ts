// In version 2 of control groups, children are born into theirs: to move them there keeps all forks of the machine waiting.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmdirSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { compile } from '../helpers/compile.js';

const mount = readFileSync('/proc/mounts', 'utf8')
  .split('\n')
  .map((line) => line.split(' '))
  .find(([, , type]) => type === 'cgroup2')?.[1];
const skip =
  mount === undefined || process.getuid?.() !== 0
    ? 'not applicable: no groups of version 2 can be made here'
    : false;

t.test('a process is born into its group, or enters it where clone3() is refused', { skip }, (t) => {
  const born = compile(t, 'security/born', 'program');
  const deny = compile(t, 'security/deny', 'program');
  const name = `nodespawner-test-${process.pid}`;
  const group = path.join(mount ?? '', name);
  mkdirSync(group);
  t.teardown(() => {
    rmdirSync(group);
  });
  const run = (command: string, ...args: string[]): string =>
    execFileSync(command, args, { encoding: 'utf8' }).trim();
  t.match(run(born, group), new RegExp(`^born /(.*/)?${name}$`));
  t.match(run(deny, 'clone3', '--', born, group), new RegExp(`^entered /(.*/)?${name}$`));
  t.end();
});
