// The package's install step where no prebuilt binary fits: it builds from source with node-gyp. Run on a copy of what
// the package ships, but without prebuilt binaries, and the result is loaded.
//
// A copy also because node-gyp and CMake both want build/. The headers are those of a Node in test/nodes: no download.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { inRoot, run } from './lib/project.mjs';

const copy = fs.mkdtempSync(path.join(os.tmpdir(), 'nodespawner-gyp-'));
try {
  for (const name of ['package.json', 'binding.gyp', 'native', 'scripts/install.mjs']) {
    fs.cpSync(inRoot(name), path.join(copy, name), { recursive: true });
  }
  fs.symlinkSync(inRoot('node_modules'), path.join(copy, 'node_modules'));
  // npm puts its own node-gyp on the PATH of the scripts that it runs.
  const env = { ...process.env, npm_config_nodedir: inRoot('test/nodes/node_modules/node-20') };
  run(process.execPath, ['scripts/install.mjs'], { cwd: copy, env });
  const addon = path.join(copy, 'build/Release/nodespawner.node');
  const names = execFileSync(process.execPath, [
    '-p',
    `Object.keys(require(${JSON.stringify(addon)})).join(' ')`,
  ]);
  console.log(`the addon exports: ${names.toString().trim()}`);
  fs.accessSync(path.join(copy, 'build/Release/nodespawner-launcher'), fs.constants.X_OK);
  fs.accessSync(path.join(copy, 'build/Release/nodespawner-preload.so'));
} finally {
  fs.rmSync(copy, { recursive: true });
}
