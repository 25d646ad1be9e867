/** What `require` and `import` find in the code of a user: what was preloaded, and what Node has built in. */
import util from 'node:util';
import { NodespawnerError } from '../protocol/errors.js';
import { type PreloadedModule } from './preload.js';

export interface FoundModule {
  /** The same for all names of the same module. */
  readonly key: string;
  readonly kind: 'builtin' | 'commonjs' | 'module';
  readonly filename: string | undefined;
  readonly exports: unknown;
}

/** How many preloaded modules an error names. */
const NAMED_AT_MOST = 20;

// A user's code may replace it.
const getBuiltinModule = process.getBuiltinModule.bind(process) as (id: string) => unknown;

export class ModuleRegistry {
  readonly #preloaded = new Map<string, FoundModule>();

  /** @throws ERR_PRELOAD_CONFLICT if one specifier stands for two modules */
  constructor(preloaded: readonly PreloadedModule[] = []) {
    for (const { specifier, filename, exports } of preloaded) {
      const known = this.#preloaded.get(specifier);
      if (known !== undefined && known.exports !== exports) {
        throw new NodespawnerError(
          'ERR_PRELOAD_CONFLICT',
          `'${specifier}' was preloaded from ${known.filename ?? 'one place'} and from ${filename ?? 'another'}`,
        );
      }
      const kind = util.types.isModuleNamespaceObject(exports) ? 'module' : 'commonjs';
      const found = { key: `preloaded:${specifier}`, kind, filename, exports } as const;
      this.#preloaded.set(specifier, findBuiltin(specifier) ?? found);
    }
  }

  preloaded(): Iterable<FoundModule> {
    return this.#preloaded.values();
  }

  find(specifier: string): FoundModule | undefined {
    return this.#preloaded.get(specifier) ?? findBuiltin(specifier);
  }

  /** @throws what Node throws: code MODULE_NOT_FOUND, or ERR_MODULE_NOT_FOUND for `import` */
  get(specifier: string, from: string, how: 'require' | 'import'): FoundModule {
    return this.find(specifier) ?? this.#notFound(specifier, from, how);
  }

  #notFound(specifier: string, from: string, how: 'require' | 'import'): never {
    // Where the host's files lie is no business of those who write the code.
    const names = [...this.#preloaded.keys()].filter((name) => !/^(\/|file:)/.test(name));
    const listed = names.slice(0, NAMED_AT_MOST).join(', ');
    const more = names.length > NAMED_AT_MOST ? ` and ${names.length - NAMED_AT_MOST} more` : '';
    const error = new Error(
      `Cannot find module '${specifier}' in ${from}: there are Node's own modules and, preloaded, ` +
        (names.length === 0 ? 'nothing' : listed + more),
    );
    throw Object.assign(
      error,
      how === 'require'
        ? { code: 'MODULE_NOT_FOUND', requireStack: [from] }
        : { code: 'ERR_MODULE_NOT_FOUND' },
    );
  }
}

function findBuiltin(specifier: string): FoundModule | undefined {
  const exports = getBuiltinModule(specifier);
  if (exports === undefined) return undefined;
  const key = specifier.startsWith('node:') ? specifier : `node:${specifier}`;
  return { key, kind: 'builtin', filename: undefined, exports };
}
