/** What a result depends on besides the step itself: the modules, the Node and the sandbox of the child. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { ZygoteOptions } from '../lib/index.js';
import { checkZygoteOptions } from '../lib/options.js';
import { digestOf } from './digest.js';

const PACKAGE = new URL('../../package.json', import.meta.url);

/** Limits by which a step can come to another result, and not only to none. */
const LIMITS = ['memoryBytes', 'tasks', 'openFiles', 'fileBytes', 'tmpBytes'] as const;

/** @returns the same for zygotes whose children give the same results */
export async function environmentOf(options: ZygoteOptions): Promise<string> {
  const { preload, from, env, cwd, execPath, execArgv, sandbox } = checkZygoteOptions(options);
  const { profile, off, files, network, limits } = sandbox;
  return digestOf({
    nodespawner: await versionOf(fileURLToPath(PACKAGE)),
    node: await nodeVersion(execPath),
    arch: process.arch,
    preload: await Promise.all(
      preload.map(async (specifier) => [specifier, await identityOf(specifier, fileURLToPath(from))]),
    ),
    env: { ...env },
    cwd,
    execArgv,
    sandbox: {
      profile,
      off: [...off].sort(),
      files: [...files].sort(),
      // Ranges and ports, as checked: plain data.
      network: network === undefined ? null : JSON.stringify(network),
      limits: Object.fromEntries(LIMITS.map((name) => [name, limits[name]])),
    },
  });
}

async function nodeVersion(execPath: string): Promise<string> {
  if (execPath === process.execPath) return process.version;
  const { stdout } = await promisify(execFile)(execPath, ['--version'], { env: {} });
  return stdout.trim();
}

/** The version of a package, or the contents of a file. What cannot be found is for the zygote to complain of. */
async function identityOf(specifier: string, from: string): Promise<string> {
  const require = createRequire(from);
  if (/^[./]|^file:/.test(specifier)) {
    try {
      const file = specifier.startsWith('file:') ? fileURLToPath(specifier) : require.resolve(specifier);
      return createHash('sha256')
        .update(await readFile(file))
        .digest('hex');
    } catch {
      return 'none';
    }
  }
  const [scopeOrName = '', name = ''] = specifier.split('/');
  const packageName = scopeOrName.startsWith('@') ? `${scopeOrName}/${name}` : scopeOrName;
  for (const folder of require.resolve.paths(specifier) ?? []) {
    const version = await versionOf(path.join(folder, packageName, 'package.json'));
    if (version !== 'none') return version;
  }
  return 'none';
}

async function versionOf(packageFile: string): Promise<string> {
  try {
    const { version } = JSON.parse(await readFile(packageFile, 'utf8')) as { version?: unknown };
    return typeof version === 'string' ? version : 'unknown';
  } catch {
    return 'none';
  }
}
