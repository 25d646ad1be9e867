import Module from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import vm from 'node:vm';
import { type Imports } from './imports.js';
import { type ModuleRegistry } from './modules.js';

const PARAMETERS = ['exports', 'require', 'module', '__filename', '__dirname'] as const;

type Wrapper = (
  exports: unknown,
  require: NodeJS.Require,
  module: NodeJS.Module,
  __filename: string,
  __dirname: string,
) => void;

/** The path that a file name stands for, which may be relative, or a URL. */
export function pathOf(filename: string): string {
  return filename.startsWith('file:') ? fileURLToPath(filename) : path.resolve(filename);
}

export class CommonJsModule {
  readonly kind = 'commonjs';
  readonly #filename: string;
  readonly #registry: ModuleRegistry;
  // Node finds `imports` again by this function: it must not be collected while code from it still runs.
  readonly #wrapper: Wrapper;

  /** @throws SyntaxError */
  constructor(code: string, filename: string, registry: ModuleRegistry, imports: Imports) {
    this.#filename = filename;
    this.#registry = registry;
    this.#wrapper = vm.compileFunction(code, PARAMETERS, {
      filename,
      importModuleDynamically: (specifier) => imports.import(specifier, filename),
    }) as Wrapper;
  }

  // Like that of an ES module to whoever calls it.
  // eslint-disable-next-line @typescript-eslint/require-await
  async load(): Promise<unknown> {
    const filename = pathOf(this.#filename);
    const dirname = path.dirname(filename);
    const module = new Module(filename);
    module.filename = filename;
    module.paths = [];
    const require = this.#makeRequire();
    // The one of its prototype would look for files.
    module.require = require;
    Reflect.apply(this.#wrapper, module.exports, [module.exports, require, module, filename, dirname]);
    module.loaded = true;
    return module.exports as unknown;
  }

  #makeRequire(): NodeJS.Require {
    const from = this.#filename;
    const registry = this.#registry;
    function require(id: string): unknown {
      return registry.get(checkId(id), from, 'require').exports;
    }
    function resolve(id: string): string {
      return registry.get(checkId(id), from, 'require').filename ?? id;
    }
    return Object.assign(require, {
      resolve: Object.assign(resolve, { paths: () => null }),
      // Nothing that runs here was started by its name, as in a module that is imported.
      main: undefined,
      extensions: Object.create(null) as NodeJS.Require['extensions'],
      cache: Object.create(null) as NodeJS.Dict<NodeJS.Module>,
    });
  }
}

/** Fails as Node's `require` does. */
function checkId(id: unknown): string {
  if (typeof id !== 'string') {
    const message = `The "id" argument must be of type string. Received ${id === null ? 'null' : `type ${typeof id}`}`;
    throw Object.assign(new TypeError(message), { code: 'ERR_INVALID_ARG_TYPE' });
  }
  return id;
}
