// Installs what this checkout lacks: npm packages, and Debian packages when run as root on Debian or Ubuntu.
// Elsewhere it names the missing packages and the exact command, and fails.
//
//   node scripts/setup.mjs [build] [test] [lint] [aarch64] [nodes] [peers] [browser]
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fail, inRoot, readJson, root, run } from './lib/project.mjs';

/** The Debian packages of each use, each with the command, or the file, that shows that it is there. */
const packages = {
  build: { 'g++': 'g++', make: 'make', cmake: 'cmake', 'libseccomp-dev': '/usr/include/seccomp.h' },
  test: {
    'thrift-compiler': 'thrift',
    binutils: 'readelf',
    iproute2: 'ip',
    nftables: 'nft',
    'redis-server': 'redis-server',
  },
  // Debian's: Ubuntu has none by this name, so its users' tests go without.
  browser: { chromium: 'chromium' },
  lint: { 'clang-format': 'clang-format', 'clang-tidy': 'clang-tidy' },
  aarch64: { 'g++-aarch64-linux-gnu': 'aarch64-linux-gnu-g++' },
};

/** Packages of npm that are installed in a folder of their own. @type {Record<string, string>} */
const folders = { test: 'test/servers', nodes: 'test/nodes', peers: 'bench/peers' };

/** The packages in a lock file that npm must have installed, by path. @returns {Map<string, string>} */
function locked(/** @type {string} */ file) {
  /** @type {Map<string, string>} */
  const found = new Map();
  if (!fs.existsSync(file)) return found;
  /** @typedef {{ version?: string, integrity?: string, optional?: boolean }} Entry */
  const lock = /** @type {{ packages: Record<string, Entry> }} */ (readJson(file));
  for (const [where, entry] of Object.entries(lock.packages)) {
    // npm leaves optional packages out where they don't fit the platform.
    if (where !== '' && !entry.optional) found.set(where, `${entry.version ?? ''} ${entry.integrity ?? ''}`);
  }
  return found;
}

// The content of the lock file is compared, not its time: git sets the time of a file on each checkout.
function installNpmPackages(/** @type {string} */ folder) {
  const installed = locked(path.join(folder, 'node_modules/.package-lock.json'));
  const wanted = locked(path.join(folder, 'package-lock.json'));
  if ([...wanted].every(([where, version]) => installed.get(where) === version)) return;
  console.log(`npm ci in ${folder}`);
  run('npm', ['ci', '--include=dev', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: folder,
  });
}

function hasCommand(/** @type {string} */ name) {
  if (name.startsWith('/')) return fs.existsSync(name);
  const folders = (process.env.PATH ?? '').split(':');
  return folders.some((folder) => folder !== '' && fs.existsSync(path.join(folder, name)));
}

function installDebianPackages(/** @type {Record<string, string>} */ wanted) {
  const missing = Object.keys(wanted).filter((name) => !hasCommand(/** @type {string} */ (wanted[name])));
  if (missing.length === 0) return;
  const install = ['install', '-y', '--no-install-recommends', ...missing];
  const isDebian = fs.existsSync('/etc/debian_version') && hasCommand('apt-get');
  if (!isDebian || process.getuid?.() !== 0) {
    fail(`Missing: ${missing.join(' ')}. On Debian or Ubuntu:\n\n  sudo apt-get ${install.join(' ')}\n`);
  }
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  // An update that fails may still leave lists that are good enough: the install has the last word.
  spawnSync('apt-get', ['update'], { stdio: 'inherit', env });
  run('apt-get', install, { env });
}

const uses = process.argv.slice(2);
if (uses.length === 0) uses.push('build');

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (process.platform !== 'linux') fail('nodespawner runs on Linux only.');
if (major < 20 || (major === 20 && minor < 19))
  fail(`Node.js ${process.version} is too old: 20.19 at least.`);

/** @type {Record<string, string>} */
const debian = {};
for (const use of uses) {
  if (!(use in packages) && !(use in folders)) fail(`setup.mjs: no such use: ${use}`);
  Object.assign(debian, packages[/** @type {keyof typeof packages} */ (use)]);
}
installDebianPackages(debian);
installNpmPackages(root);
for (const [use, folder] of Object.entries(folders))
  if (uses.includes(use)) installNpmPackages(inRoot(folder));
