/** Finds the function that the module of a user is there for. */
import { NodespawnerError } from '../protocol/errors.js';
import type { ModuleRegistry } from './modules.js';
import { type ModuleKind } from './user-module.js';

export type EntryFunction = (...args: unknown[]) => unknown;

/**
 * The default export of an ES module; of a CommonJS one `module.exports`, or its `default` as compilers write it.
 *
 * @throws ERR_NO_ENTRY_FUNCTION
 */
export function entryFunction(exports: unknown, kind: ModuleKind, filename: string): EntryFunction {
  const candidate = kind === 'commonjs' && typeof exports === 'function' ? exports : defaultOf(exports);
  if (typeof candidate === 'function') return candidate as EntryFunction;
  const what = kind === 'module' ? 'default export' : 'module.exports';
  const found = kind === 'module' || candidate !== undefined ? candidate : exports;
  throw new NodespawnerError(
    'ERR_NO_ENTRY_FUNCTION',
    `${filename} must export a function (${kind === 'module' ? 'export default' : 'module.exports ='} function ...): ` +
      `its ${what} is ${describe(found)}${kind === 'module' && found === undefined ? others(exports) : ''}`,
  );
}

/**
 * A function that a preloaded module exports.
 *
 * @param from for the error that says that there is no such module
 */
export function preloadedFunction(
  registry: ModuleRegistry,
  { specifier, exportName }: { readonly specifier: string; readonly exportName: string },
  from: string,
): EntryFunction {
  const { exports } = registry.get(specifier, from, 'require');
  const named = (exports as Record<string, unknown> | undefined)?.[exportName];
  if (typeof named === 'function') return named as EntryFunction;
  // A CommonJS module that is a function itself.
  if (exportName === 'default' && typeof exports === 'function') return exports as EntryFunction;
  throw new TypeError(`'${specifier}' exports no function named '${exportName}'`);
}

function defaultOf(exports: unknown): unknown {
  return typeof exports === 'object' && exports !== null ? Reflect.get(exports, 'default') : undefined;
}

/** What a module exports that has no default. */
function others(exports: unknown): string {
  const names = typeof exports === 'object' && exports !== null ? Object.keys(exports).slice(0, 10) : [];
  return names.length === 0 ? '' : `, and it exports ${names.join(', ')}`;
}

function describe(value: unknown): string {
  if (value === undefined) return 'missing';
  if (value === null) return 'null';
  if (typeof value !== 'object') return `a ${typeof value}`;
  const names = Object.keys(value).slice(0, 10);
  return names.length === 0 ? 'an empty object' : `an object with ${names.join(', ')}`;
}
