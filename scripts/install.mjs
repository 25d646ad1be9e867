// npm's install step where the package is installed: uses the prebuilt binaries where they fit and builds from source
// otherwise. Where npm doesn't run install steps, a prebuilt binary that fits is found all the same (lib/native-path.ts).
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../', import.meta.url));
const prebuilt = path.join(root, 'prebuilds', `${process.platform}-${process.arch}`);

// Loading it is the only test that knows all: architecture, libc and its version. A process of its own, so that a crash
// of a foreign binary is an answer too.
function prebuiltFits() {
  const addon = path.join(prebuilt, 'nodespawner.node');
  const others = ['nodespawner-preload.so', 'nodespawner-launcher'];
  if (![addon, ...others.map((name) => path.join(prebuilt, name))].every(fs.existsSync)) return false;
  return spawnSync(process.execPath, ['-e', `require(${JSON.stringify(addon)})`]).status === 0;
}

// A checkout is built by `npm run build`, not by each `npm ci`.
const isCheckout = fs.existsSync(path.join(root, 'tsconfig.json'));
if (!isCheckout && !prebuiltFits()) {
  console.log('nodespawner: no prebuilt binary fits here, building from source');
  try {
    // npm puts node-gyp on the PATH of install steps.
    execFileSync('node-gyp', ['rebuild'], { cwd: root, stdio: 'inherit' });
  } catch (error) {
    console.error(`nodespawner: the build from source failed (${String(error)}). It needs g++, make, python3 and
libc6-dev; on Debian or Ubuntu: sudo apt-get install -y g++ make python3`);
    process.exitCode = 1;
  }
}
