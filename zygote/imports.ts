/**
 * Links the `import`s of a user's code with what a ModuleRegistry has. What is no ES module gets a facade, whose
 * exports are values: as in Node, they are taken once.
 */
import { pathToFileURL } from 'node:url';
import vm from 'node:vm';
import type { FoundModule, ModuleRegistry } from './modules.js';

// fresh.ts takes it out of node:vm, for a `node` without flags has none.
const { SyntheticModule } = vm;

const imports = new WeakMap<ModuleRegistry, Imports>();

export function importsOf(registry: ModuleRegistry): Imports {
  let found = imports.get(registry);
  if (found === undefined) imports.set(registry, (found = new Imports(registry)));
  return found;
}

/** Whether an export is worth calling its getter for. */
type IsWanted = (name: string) => boolean;

export class Imports {
  readonly #registry: ModuleRegistry;
  readonly #facades = new Map<string, Promise<vm.Module>>();

  constructor(registry: ModuleRegistry) {
    this.#registry = registry;
  }

  /** Makes the facades of what is preloaded. In the zygote, where getters that load something late find it. */
  async prepare(): Promise<void> {
    for (const module of this.#registry.preloaded()) await this.#facade(module, () => true);
  }

  /** For an import statement in that code. */
  link(specifier: string, from: string, code: string): Promise<vm.Module> {
    return this.#facade(this.#registry.get(specifier, from, 'import'), wantedBy(code, specifier));
  }

  /** For `import()`. Its types want a vm.Module, but a namespace does, and that of an ES module is live. */
  async import(specifier: string, from: string): Promise<vm.Module> {
    const found = this.#registry.get(specifier, from, 'import');
    return found.kind === 'module' ? (found.exports as vm.Module) : this.#facade(found, () => true);
  }

  /** For `import.meta.resolve()`. */
  resolve(specifier: string, from: string): string {
    const { kind, key, filename } = this.#registry.get(specifier, from, 'import');
    if (kind === 'builtin') return key;
    return filename === undefined ? specifier : pathToFileURL(filename).href;
  }

  #facade(module: FoundModule, isWanted: IsWanted): Promise<vm.Module> {
    let facade = this.#facades.get(module.key);
    if (facade === undefined) this.#facades.set(module.key, (facade = makeFacade(module, isWanted)));
    return facade;
  }
}

/**
 * Getters of builtins are dear: on Node 24, that of http.WebSocket takes 100 ms, and a plain `import http` calls it.
 * What the code neither names nor can find in a namespace, it can't miss.
 */
function wantedBy(code: string, specifier: string): IsWanted {
  const quoted = specifier.replace(/[^\w]/g, '\\$&');
  const hasNamespace = new RegExp(`\\*[^'"]*\\bfrom\\s*['"]${quoted}['"]|\\bimport\\s*\\(`).test(code);
  return (name) => hasNamespace || code.includes(name);
}

async function makeFacade({ key, kind, exports }: FoundModule, isWanted: IsWanted): Promise<vm.Module> {
  const values = exportsOf(kind, exports, isWanted);
  const facade = new SyntheticModule(
    [...values.keys()],
    function (this: vm.SyntheticModule) {
      for (const [name, value] of values) this.setExport(name, value);
    },
    { identifier: key },
  );
  await facade.link(() => {
    throw new Error('A facade imports nothing');
  });
  await facade.evaluate();
  return facade;
}

function exportsOf(kind: FoundModule['kind'], exports: unknown, isWanted: IsWanted): Map<string, unknown> {
  const values = new Map<string, unknown>();
  if (typeof exports === 'function' || (typeof exports === 'object' && exports !== null)) {
    for (const name of Object.keys(exports)) {
      const isGetter = Object.getOwnPropertyDescriptor(exports, name)?.get !== undefined;
      try {
        values.set(name, isGetter && !isWanted(name) ? undefined : Reflect.get(exports, name));
      } catch {
        // A getter that loads something late, from a file that is out of reach.
        values.set(name, undefined);
      }
    }
  }
  // As Node does it, whatever `exports.default` is.
  if (kind !== 'module') values.set('default', exports);
  return values;
}
