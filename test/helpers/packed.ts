// Packs the package and installs it as a user without network and compiler would.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../../', import.meta.url));

function findOnPath(name: string): string {
  return realpathSync(execFileSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim());
}

/** Runs npm with this Node and an own cache, without the settings of an npm that runs the tests. */
function npm(args: readonly string[], cwd: string, cache: string, path = process.env.PATH): string {
  const env: NodeJS.ProcessEnv = {
    PATH: path,
    HOME: process.env.HOME,
    npm_config_cache: cache,
  };
  return execFileSync(process.execPath, [findOnPath('npm'), ...args], {
    cwd,
    env,
    encoding: 'utf8',
    stdio: 'pipe',
  });
}

/** Packs as `npm publish` would, `prepack` and all. Returns the path of the tarball. */
export function pack(folder: string): string {
  const lines = npm(['pack', '--silent', '--pack-destination', folder], root, join(folder, 'cache'))
    .trim()
    .split('\n');
  return join(folder, lines.at(-1) ?? '');
}

interface Lock {
  packages: Record<string, { dev?: boolean; optional?: boolean }>;
}

/** What the package depends on, packed from node_modules, as `file:` specifiers by name. */
function packDependencies(folder: string): Record<string, string> {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as Lock;
  const specifiers: Record<string, string> = {};
  for (const [path, { dev, optional }] of Object.entries(packages)) {
    if (path === '' || dev || optional) continue;
    const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
    const file = join(folder, `${name.replace('/', '-')}.tgz`);
    const rename = `s,^[.],package,`;
    execFileSync('tar', [
      '-czf',
      file,
      '-C',
      join(root, path),
      '--exclude=./node_modules',
      '--transform',
      rename,
      '.',
    ]);
    specifiers[name] = `file:${file}`;
  }
  return specifiers;
}

/** A PATH with node and a shell, and nothing that could compile. */
function pathWithoutCompiler(folder: string): string {
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  symlinkSync(process.execPath, join(bin, 'node'));
  symlinkSync(findOnPath('sh'), join(bin, 'sh'));
  return bin;
}

/** An empty project in `folder` with the tarball installed. Its dependencies are those of this checkout. */
export function installOffline(tarball: string, folder: string): string {
  const project = join(folder, 'project');
  const packages = join(folder, 'packages');
  mkdirSync(project);
  mkdirSync(packages);
  const manifest = {
    name: 'empty',
    private: true,
    type: 'module',
    dependencies: { nodespawner: `file:${tarball}` },
    overrides: packDependencies(packages),
  };
  writeFileSync(join(project, 'package.json'), JSON.stringify(manifest));
  npm(
    ['install', '--offline', '--no-audit', '--no-fund', '--foreground-scripts', '--loglevel=error'],
    project,
    join(folder, 'cache'),
    pathWithoutCompiler(folder),
  );
  return project;
}
