// Compiles seccomp/*.policy into dist/seccomp/, for every architecture: they travel with the package.
import fs from 'node:fs';
import { inRoot, run } from './project.mjs';

const profiles = ['compute', 'exec', 'network'];
const architectures = ['x86_64', 'aarch64'];

/** Whether a file is there and younger than all of the others. */
function isFresh(/** @type {string} */ file, /** @type {readonly string[]} */ sources) {
  if (!fs.existsSync(file)) return false;
  const { mtimeMs } = fs.statSync(file);
  return sources.every((source) => fs.statSync(source).mtimeMs < mtimeMs);
}

export function buildSeccomp() {
  const folder = inRoot('seccomp');
  const sources = fs.readdirSync(folder).map((name) => inRoot('seccomp', name));
  const out = inRoot('dist/seccomp');
  const compiler = inRoot('build/compile-seccomp');
  const last = inRoot('dist/seccomp', `${profiles.at(-1)}.${architectures.at(-1)}.bpf`);
  if (isFresh(last, sources)) return;
  fs.mkdirSync(out, { recursive: true });
  fs.mkdirSync(inRoot('build'), { recursive: true });
  const flags = ['-std=gnu11', '-O1', '-Wall', '-Wextra', '-Werror', '-D_GNU_SOURCE'];
  run('cc', [...flags, inRoot('seccomp/compile.c'), '-o', compiler, '-lseccomp']);
  for (const architecture of architectures) {
    for (const profile of profiles) {
      const program = inRoot('dist/seccomp', `${profile}.${architecture}.bpf`);
      const names = inRoot('dist/seccomp', `names.${architecture}.json`);
      run(compiler, [inRoot('seccomp', `${profile}.policy`), architecture, program, names]);
    }
  }
}
