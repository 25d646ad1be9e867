/** Installs what the peers need, in a folder of their own. What can't be had is said, and the peer left out. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { BUILD, PEERS, ROOT } from './peer.js';

const VENV = `${BUILD}python`;
/** Of a Python that has all of requirements.txt already, pyarrow perhaps excepted. */
const PYTHON = 'NODESPAWNER_BENCH_PYTHON';
const NEEDED = 'pandas, pyspawner';

function canImport(python: string, modules = NEEDED): boolean {
  return spawnSync(python, ['-c', `import ${modules}`], { stdio: 'ignore' }).status === 0;
}

/** @throws if there is none */
export function pythonWithPyspawner(): string {
  const python = process.env[PYTHON] ?? `${VENV}/bin/python`;
  if (!canImport(python)) {
    const how = `pip install -r bench/peers/requirements.txt, or set ${PYTHON} to a Python that has it`;
    throw new Error(`there is no Python with pyspawner and pandas (${how})`);
  }
  return python;
}

function installPackages(): void {
  execFileSync(process.execPath, [`${ROOT}scripts/setup.mjs`, 'peers'], { stdio: 'inherit' });
}

function installBubblewrap(say: (text: string) => void): void {
  if (spawnSync('bwrap', ['--version']).status === 0 || process.getuid?.() !== 0) return;
  const args = ['install', '-y', '--no-install-recommends', 'bubblewrap'];
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  spawnSync('apt-get', ['update'], { env, stdio: 'ignore' });
  const { status } = spawnSync('apt-get', args, { env, stdio: 'ignore' });
  if (status !== 0) say('bubblewrap could not be installed');
}

function installPython(say: (text: string) => void): void {
  const given = process.env[PYTHON];
  if (given !== undefined) {
    if (canImport(given) && !canImport(given, 'pyarrow'))
      say(
        "Without pyarrow, pyspawner's children are given the bare column, and not the table that all others have to open.",
      );
    return;
  }
  if (canImport(`${VENV}/bin/python`, `${NEEDED}, pyarrow`)) return;
  if (!existsSync(`${VENV}/bin/pip`)) {
    const { status } = spawnSync('python3', ['-m', 'venv', VENV], { stdio: 'ignore' });
    if (status !== 0) {
      say('there is no python3 with venv');
      return;
    }
  }
  const args = ['install', '--quiet', '--retries', '1', '--timeout', '15', '-r', `${PEERS}requirements.txt`];
  const { status, stderr } = spawnSync(`${VENV}/bin/pip`, args, { encoding: 'utf8' });
  const problem = stderr.split('\n').find((line) => line.startsWith('ERROR'));
  if (status !== 0) say(`pyspawner could not be installed: ${problem ?? `pip ended with ${String(status)}`}`);
}

export function installPeers(say: (text: string) => void): void {
  installPackages();
  installBubblewrap(say);
  installPython(say);
}
