// Builds a copy of what the package ships with node-gyp, as npm does where no prebuilt binary fits, and loads it.
// A copy, since node-gyp and CMake both want build/. The headers are those of a Node in test/nodes: no download.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { inRoot, run } from './lib/project.mjs';

const copy = fs.mkdtempSync(path.join(os.tmpdir(), 'nodespawner-gyp-'));
try {
  for (const name of ['package.json', 'binding.gyp', 'native']) {
    fs.cpSync(inRoot(name), path.join(copy, name), { recursive: true });
  }
  fs.symlinkSync(inRoot('node_modules'), path.join(copy, 'node_modules'));
  // npm puts its own node-gyp on the PATH of the scripts that it runs.
  run('node-gyp', ['rebuild', `--nodedir=${inRoot('test/nodes/node_modules/node-20')}`], { cwd: copy });
  const addon = path.join(copy, 'build/Release/nodespawner.node');
  const names = execFileSync(process.execPath, [
    '-p',
    `Object.keys(require(${JSON.stringify(addon)})).join(' ')`,
  ]);
  console.log(`the addon exports: ${names.toString().trim()}`);
  fs.accessSync(path.join(copy, 'build/Release/nodespawner-launcher'), fs.constants.X_OK);
} finally {
  fs.rmSync(copy, { recursive: true });
}
