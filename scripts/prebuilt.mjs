// Puts the binaries of build/Release/, without debug information, where the package carries them.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { BINARIES } from './lib/native.mjs';
import { inRoot, run } from './lib/project.mjs';

const folder = inRoot('prebuilds', `${process.platform}-${process.arch}`);
fs.mkdirSync(folder, { recursive: true });
for (const name of BINARIES) {
  const target = path.join(folder, name);
  run('strip', ['--strip-unneeded', '-o', target, inRoot('build/Release', name)]);
  fs.chmodSync(target, 0o755);
}
// Each version of libc is a promise about where the binary runs: say which one it needs.
const symbols = execFileSync('readelf', ['--dyn-syms', '--wide', path.join(folder, 'nodespawner.node')], {
  encoding: 'utf8',
});
const versions = [...symbols.matchAll(/GLIBC_2\.(\d+)/g)].map((match) => Number(match[1]));
console.log(`${path.relative(inRoot(), folder)}: needs glibc 2.${String(Math.max(...versions))}`);
