// The native build: cmake-js with this project's options.
import fs from 'node:fs';
import os from 'node:os';
import { fail, inRoot, runBin } from './project.mjs';

/** What it makes, in the folder Release. */
export const BINARIES = ['nodespawner.node', 'nodespawner-preload.so', 'nodespawner-launcher'];

/**
 * @param {{ out?: string, defines?: Record<string, string>, target?: string }} [options] `out`: the build directory,
 *   from the root; the binaries land in its folder Release.
 */
export function buildNative({ out = 'build', defines = {}, target } = {}) {
  const makefile = inRoot(out, 'Makefile');
  // node-gyp leaves a Makefile of its own in build/, which CMake would run instead of the one that it has yet to write.
  if (fs.existsSync(makefile) && !fs.existsSync(inRoot(out, 'CMakeCache.txt'))) {
    fs.rmSync(inRoot(out), { recursive: true });
  }
  const all = { NODESPAWNER_WERROR: 'ON', ...defines };
  runBin('cmake-js/bin/cmake-js', [
    // Not `compile`, which starts all over when something doesn't compile.
    'build',
    // Ninja would be taken where it is installed: one way everywhere.
    '--prefer-make',
    ...['--parallel', String(os.availableParallelism())],
    ...['--log-level', 'warn', '--out', inRoot(out)],
    ...(target === undefined ? [] : ['--target', target]),
    ...Object.entries(all).map(([name, value]) => `--CD${name}=${value}`),
  ]);
  if (!fs.existsSync(inRoot(out, 'Release/nodespawner.node'))) fail(`${out}: the addon was not built`);
}
