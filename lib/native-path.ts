import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { NodespawnerError } from '../protocol/errors.js';

/** The package's root, seen from dist/lib/. */
const packageRoot = fileURLToPath(new URL('../../', import.meta.url));

/**
 * The folders in which the native binaries may be, first come first served: what was built here goes before what the
 * package brought along.
 *
 * In a checkout, the internal environment variable NODESPAWNER_BUILD_DIR names another build directory, such as that
 * of the sanitizers, and NODESPAWNER_HOST_BUILD_DIR one for the host alone. SECURITY: an installed package ignores it, so that who sets the environment of a program can't
 * have it load a library; tsconfig.json isn't in the packed files and tells a checkout.
 */
export function binaryFolders(root: string, env: NodeJS.ProcessEnv, isForHost = false): string[] {
  const buildDir = (isForHost ? env.NODESPAWNER_HOST_BUILD_DIR : undefined) ?? env.NODESPAWNER_BUILD_DIR;
  if (buildDir !== undefined && buildDir !== '' && existsSync(join(root, 'tsconfig.json'))) {
    return [join(root, buildDir, 'Release')];
  }
  return [join(root, 'build', 'Release'), join(root, 'prebuilds', `${process.platform}-${process.arch}`)];
}

/**
 * @throws {NodespawnerError} `ERR_NO_NATIVE_BINARY` where the file is in none of the folders.
 */
export function findBinary(name: string, folders: readonly string[]): string {
  const found = folders.map((folder) => join(folder, name)).find((file) => existsSync(file));
  if (found !== undefined) return found;
  throw new NodespawnerError(
    'ERR_NO_NATIVE_BINARY',
    `${name} is in none of ${folders.join(', ')}. In a checkout, build it: npm run build. For an installed package, ` +
      'run its install step, which needs a C++ compiler here: npm rebuild nodespawner --foreground-scripts',
  );
}

/** The path of the addon, nodespawner.node, that the host loads. */
export function addonPath(): string {
  return findBinary('nodespawner.node', binaryFolders(packageRoot, process.env, true));
}

/** The path of the addon that the zygote loads: the same one, but for the sanitizers. */
export function zygoteAddonPath(): string {
  return findBinary('nodespawner.node', binaryFolders(packageRoot, process.env));
}

/** The path of the library that zygotes preload: native/preload/. */
export function preloadedLibraryPath(): string {
  return findBinary('nodespawner-preload.so', binaryFolders(packageRoot, process.env));
}

/** The path of the program that sets up what a zygote needs and then executes node. */
export function launcherPath(): string {
  return findBinary('nodespawner-launcher', binaryFolders(packageRoot, process.env));
}
