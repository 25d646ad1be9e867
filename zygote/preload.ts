/** Loads what the children are to find loaded. In the zygote, where there are files. */
import fs from 'node:fs';
import { createRequire, isBuiltin } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import util from 'node:util';
import vm from 'node:vm';
import { NodespawnerError } from '../protocol/errors.js';

export interface PreloadRequest {
  /** As in `require(specifier)` or `import specifier`: a package, a path, a path that begins with a dot. */
  readonly specifier: string;
  /** The file or folder from which to resolve it: a path or a `file:` URL. */
  readonly parent: string;
}

export interface PreloadedModule {
  readonly specifier: string;
  /** Where it came from. Built in: nowhere. */
  readonly filename: string | undefined;
  /** Of an ES module its namespace, else what `require` returned. */
  readonly exports: unknown;
}

/** Codes of errors by which `require` says that a module can only be imported. */
const IMPORT_ONLY = new Set(['ERR_REQUIRE_ESM', 'ERR_REQUIRE_ASYNC_MODULE', 'ERR_PACKAGE_PATH_NOT_EXPORTED']);

/** One after the other, in order. @throws ERR_PRELOAD_FAILED */
export async function preloadModules(requests: readonly PreloadRequest[]): Promise<PreloadedModule[]> {
  const preloaded: PreloadedModule[] = [];
  for (const { specifier, parent } of requests) {
    try {
      preloaded.push(await preload(toPath(specifier), specifier, parentFile(parent)));
    } catch (cause) {
      throw new NodespawnerError(
        'ERR_PRELOAD_FAILED',
        `Can't preload '${specifier}' from ${toPath(parent)}: ${cause instanceof Error ? cause.message : util.inspect(cause)}${hint(specifier)}`,
        { cause },
      );
    }
  }
  return preloaded;
}

/** Node itself loads what is preloaded; the option `typescript` is for the code of children. */
function hint(specifier: string): string {
  const isTypeScript = /\.[cm]?ts$/.test(specifier);
  return isTypeScript && !('typescript' in process.features && process.features.typescript)
    ? `. Node ${process.version} loads no TypeScript: preload what it was compiled to, or use Node 22.18 or later`
    : '';
}

async function preload(request: string, specifier: string, parent: string): Promise<PreloadedModule> {
  const require = createRequire(parent);
  try {
    // Rather than import(), which starts libuv's thread pool: each thread has to be revived in every child.
    const exports = require(request) as unknown;
    return { specifier, filename: isBuiltin(request) ? undefined : require.resolve(request), exports };
  } catch (error) {
    if (!IMPORT_ONLY.has(String((error as { code?: unknown } | null)?.code))) throw error;
  }
  const exports = await importFrom(parent, request);
  return { specifier, filename: resolveFilename(require, request), exports };
}

/** `import()` as if written in that file: from here, it would look for packages where we are. */
function importFrom(parent: string, specifier: string): Promise<object> {
  const importer = new vm.Script('(specifier) => import(specifier)', {
    filename: parent,
    importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  }).runInThisContext() as (specifier: string) => Promise<object>;
  return importer(specifier);
}

/** Undefined for a package that says where it is to `import` only. */
function resolveFilename(require: NodeJS.Require, request: string): string | undefined {
  try {
    return require.resolve(request);
  } catch {
    return undefined;
  }
}

function toPath(pathOrUrl: string): string {
  return pathOrUrl.startsWith('file:') ? fileURLToPath(pathOrUrl) : pathOrUrl;
}

/** For a folder, the name of a file in it: what resolves from there wants one, which needn't exist. */
function parentFile(parent: string): string {
  const where = path.resolve(toPath(parent));
  const isFolder = fs.statSync(where, { throwIfNoEntry: false })?.isDirectory() ?? false;
  return isFolder ? path.join(where, 'preload.js') : where;
}
