// Formatting and static checks of everything; --fix formats.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import { buildNative } from './lib/native.mjs';
import { inRoot, root } from './lib/project.mjs';

const fix = process.argv.includes('--fix');
const nativeFiles = fs
  .readdirSync(inRoot('native'), { recursive: true })
  .map((name) => `native/${String(name)}`)
  .filter((name) => /\.(cc|c|h)$/.test(name));

/** @type {[name: string, command: string, args: string[]][]} */
const checks = [
  [
    'prettier',
    process.execPath,
    ['node_modules/prettier/bin/prettier.cjs', fix ? '--write' : '--check', '--log-level=warn', '.'],
  ],
  [
    'eslint',
    process.execPath,
    ['node_modules/eslint/bin/eslint.js', '--max-warnings=0', ...(fix ? ['--fix'] : []), '.'],
  ],
  ['clang-format', 'clang-format', [...(fix ? ['-i'] : ['--dry-run', '-Werror']), ...nativeFiles]],
];
if (!fix) {
  // scripts/ is checked here; tsc checks the rest when it builds.
  checks.push(['tsc (scripts)', process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'scripts']]);
  // clang-tidy reads the flags from compile_commands.json, which the build writes.
  buildNative();
  const sources = nativeFiles.filter((name) => !name.endsWith('.h'));
  const jobs = String(os.availableParallelism());
  const each = ['xargs', '-P', jobs, '-n', '1', 'clang-tidy', '-p', 'build', '--quiet'].join(' ');
  checks.push(['clang-tidy', 'sh', ['-c', `printf '%s\\n' "$@" | ${each}`, 'sh', ...sources]]);
}

// All of them run, so that one round shows all there is to mend.
const failed = checks.filter(([name, command, args]) => {
  console.log(`lint: ${name}`);
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit' });
  if (error) console.error(error.message);
  return status !== 0;
});
if (failed.length > 0) {
  console.error(`lint: failed: ${failed.map(([name]) => name).join(', ')}`);
  process.exitCode = 1;
}
