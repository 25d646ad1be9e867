// What `nodespawner completion` prints completes commands, options and their values.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import t from 'tap';
import { COMMON } from '../../cli/arguments.js';
import { COMMANDS } from '../../cli/commands/index.js';
import { cli } from '../helpers/cli.js';

const folder = mkdtempSync(path.join(tmpdir(), 'nodespawner-completion-'));
t.teardown(() => {
  rmSync(folder, { recursive: true });
});
writeFileSync(path.join(folder, 'step.ts'), '');
const { stdout: script } = await cli(['completion', 'bash']);

/** What bash offers for the last of these words. */
function offered(...words: string[]): string[] {
  const ask = `${script}
    COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _nodespawner; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const args = ['--norc', '-c', ask, 'bash', 'nodespawner', ...words];
  return execFileSync('bash', args, { cwd: folder, encoding: 'utf8' })
    .split('\n')
    .filter((line) => line !== '');
}

t.test('bash: commands, options, choices and files', (t) => {
  t.same(offered(''), [...COMMANDS.map(({ name }) => name), '--help', '--version']);
  t.same(offered('do'), ['doctor']);
  t.same(offered('run', '--pro'), ['--profile']);
  t.same(offered('run', '--profile', ''), ['compute', 'exec', 'network']);
  t.same(offered('run', 'st'), ['step.ts']);
  t.same(offered('run', '--table', 'sales=st'), ['step.ts']);
  t.same(offered('completion', 'z'), ['zsh']);
  t.end();
});

for (const [shell, option] of [
  ['bash', (name: string) => `--${name}`],
  ['zsh', (name: string) => `--${name}[`],
  ['fish', (name: string) => `-l ${name} `],
] as const)
  t.test(`${shell}: every command with every option is there`, async (t) => {
    const { code, stdout } = await cli(['completion', shell]);
    t.equal(code, 0);
    for (const { name, options } of COMMANDS)
      for (const one of [...options, ...COMMON])
        t.ok(stdout.includes(option(one.name)), `${name} --${one.name}`);
  });

t.test('another shell is refused', async (t) => {
  t.match(await cli(['completion', 'tcsh']), { code: 2, stderr: /one of bash, zsh, fish/ });
});
