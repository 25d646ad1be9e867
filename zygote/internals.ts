/**
 * The parts of Node that only `--expose-internals` opens, and the only file that touches them. They are used where
 * no public API can do what a clone needs: its clock, the random bytes that Node holds back, what it lets users require.
 *
 * Node's own `internal/test/binding` would give the same, but warns on stderr that it is for tests only.
 */
import Module from 'node:module';
import { NodespawnerError } from '../protocol/errors.js';

interface BuiltinModuleClass {
  readonly map: ReadonlyMap<string, unknown>;
  canBeRequiredByUsers(id: string): boolean;
  setRealmAllowRequireByUsers(ids: string[]): void;
}

interface Realm {
  readonly BuiltinModule: BuiltinModuleClass;
  internalBinding(name: string): object;
}

interface InternalUtil {
  decorateErrorStack(error: Error): void;
  defineLazyProperties(target: object, id: string, keys: string[]): void;
}

// Types of what is in there exist nowhere.
const requireInternal = require as (id: string) => unknown;

interface EsLoader {
  readonly loadCache: Map<string, Record<string, unknown>>;
}

interface Internals {
  readonly realm: Realm;
  readonly util: InternalUtil;
  readonly esLoader: { readonly getOrInitializeCascadedLoader: () => EsLoader };
}

let internals: Internals | undefined;

/** Once open, they stay so for us when they are hidden from users. */
function open(): Internals {
  if (internals !== undefined) return internals;
  try {
    const util = requireInternal('internal/util') as InternalUtil;
    // The loader of the builtins can't be required by anybody, but this helper fetches from any builtin, when asked.
    const fetch = (id: string, ...keys: string[]): object => {
      const target = {};
      util.defineLazyProperties(target, id, keys);
      return target;
    };
    const realm = fetch('internal/bootstrap/realm', 'BuiltinModule', 'internalBinding') as Realm;
    const esLoader = fetch('internal/modules/esm/loader', 'getOrInitializeCascadedLoader');
    return (internals = { realm: { ...realm }, util, esLoader: esLoader as Internals['esLoader'] });
  } catch (cause) {
    throw new NodespawnerError(
      'ERR_NODE_INTERNALS',
      `Node ${process.version} doesn't open its internals. The zygote must be started with --expose-internals`,
      { cause },
    );
  }
}

/** Node's C++ side, by the name that its own lib/ uses. What it holds differs between versions: check it. */
export function internalBinding(name: string): object {
  return open().realm.internalBinding(name);
}

/** Whether an internal module was loaded already. */
export function isLoaded(id: string): boolean {
  return (process as unknown as { moduleLoadList: string[] }).moduleLoadList.includes(`NativeModule ${id}`);
}

/** Puts the position and the line before the stack of an error of a vm.SourceTextModule, as node:vm does for functions. */
export function decorateErrorStack(error: Error): void {
  open().util.decorateErrorStack(error);
}

/** Replaces what an internal module exports. Modules that took it from there before keep what they have. */
export function patchInternal(id: string, replacements: object): void {
  Object.assign(requireInternal(id) as object, replacements);
}

/** Takes back what the flag opened; module.syncBuiltinESMExports() has to follow. From now on `require('internal/...')` fails, here too, as in a `node` without it. */
export function hideInternals(): void {
  const { BuiltinModule } = open().realm;
  const isPublic = (id: string): boolean => !id.startsWith('internal/');
  // Those that a flag of their own would open, such as node:quic, stay closed.
  const ids = [...BuiltinModule.map.keys()]
    .filter(isPublic)
    .filter((id) => BuiltinModule.canBeRequiredByUsers(id));
  BuiltinModule.setRealmAllowRequireByUsers(ids);
  const builtinModules = Object.freeze(Module.builtinModules.filter(isPublic));
  Object.assign(Module, { builtinModules });
}

/** The ES modules that Node's own loader has loaded from files: their URLs and namespaces. */
export function loadedEsModules(): [url: string, namespace: object][] {
  const found: [string, object][] = [];
  for (const [url, byType] of open().esLoader.getOrInitializeCascadedLoader().loadCache) {
    for (const job of Object.values(byType)) {
      const wrap = (job as { module?: { getNamespace?(): object } } | undefined)?.module;
      if (wrap?.getNamespace !== undefined) found.push([url, wrap.getNamespace()]);
    }
  }
  return found;
}
