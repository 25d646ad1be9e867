import type fs from 'node:fs';
import t from 'tap';
import { isolated } from '../../helpers/isolated.js';

/** What is caught in the isolated process, as far as tests look at it. */
interface Caught {
  readonly code?: string;
  readonly message: string;
}

t.test('packages, relative and absolute paths and URLs are preloaded from where the caller is', async (t) => {
  const folder = t.testdir({
    'helpers.cjs': 'exports.name = __filename;',
    'es.mjs': 'export const name = import.meta.url; export default 7;',
    sub: { 'data.json': '{ "a": 1 }' },
    node_modules: {
      dual: { 'package.json': '{ "main": "main.cjs" }', 'main.cjs': 'exports.kind = "require";' },
    },
  });
  const { value } = await isolated(async ({ zygote }, folder) => {
    const preloaded = await zygote.preload.preloadModules([
      { specifier: './helpers.cjs', parent: folder },
      { specifier: './es.mjs', parent: `file://${folder}/caller.mjs` },
      { specifier: '../sub/data.json', parent: `${folder}/sub/caller.js` },
      { specifier: `${folder}/helpers.cjs`, parent: '/' },
      { specifier: `file://${folder}/helpers.cjs`, parent: '/' },
      { specifier: 'dual', parent: folder },
      { specifier: 'node:os', parent: folder },
    ]);
    const text = (exports: unknown) => JSON.stringify(exports);
    return preloaded.map(({ specifier, filename, exports }) => ({
      specifier,
      filename,
      text: text(exports).slice(0, 999),
    }));
  }, folder);
  const helpers = `${folder}/helpers.cjs`;
  const name = JSON.stringify({ name: helpers });
  t.match(value, [
    { specifier: './helpers.cjs', filename: helpers, text: name },
    {
      specifier: './es.mjs',
      filename: `${folder}/es.mjs`,
      text: `"default":7,"name":"file://${folder}/es.mjs"`,
    },
    { specifier: '../sub/data.json', filename: `${folder}/sub/data.json`, text: '{"a":1}' },
    { specifier: helpers, filename: helpers, text: name },
    { specifier: `file://${helpers}`, filename: helpers, text: name },
    { specifier: 'dual', filename: `${folder}/node_modules/dual/main.cjs`, text: '{"kind":"require"}' },
    { specifier: 'node:os' },
  ]);
  t.notOk('filename' in value[6]!);
});

t.test('what can only be imported is imported, from where the caller is', async (t) => {
  const folder = t.testdir({
    'late.mjs': 'export const value = await Promise.resolve("late");',
    node_modules: {
      only: {
        'package.json': '{ "type": "module", "exports": { "import": "./index.js" } }',
        'index.js': 'export default "only";',
      },
    },
  });
  const { value } = await isolated(async ({ zygote }, folder) => {
    const preloaded = await zygote.preload.preloadModules([
      { specifier: './late.mjs', parent: folder },
      { specifier: 'only', parent: folder },
    ]);
    const registry = new zygote.modules.ModuleRegistry(preloaded);
    return ['./late.mjs', 'only'].map((id) => [
      registry.find(id)?.kind,
      { ...(registry.find(id)?.exports as object) },
    ]);
  }, folder);
  t.same(value, [
    ['module', { value: 'late' }],
    ['module', { default: 'only' }],
  ]);
});

t.test('a failure names the specifier, where it was resolved from, and the cause', async (t) => {
  const folder = t.testdir({ 'broken.cjs': 'throw new Error("out of order")' });
  const { value } = await isolated(async ({ zygote }, folder) => {
    const failures: (Caught & { cause?: unknown })[] = [];
    for (const specifier of ['./broken.cjs', 'no-such-package']) {
      try {
        await zygote.preload.preloadModules([{ specifier, parent: folder }]);
      } catch (error) {
        const { code, message, cause } = error as Caught & { cause: { code?: string } };
        failures.push({ code: String(code), message, cause: cause.code });
      }
    }
    return failures;
  }, folder);
  t.match(value, [
    { code: 'ERR_PRELOAD_FAILED', message: `Can't preload './broken.cjs' from ${folder}: out of order` },
    {
      code: 'ERR_PRELOAD_FAILED',
      message: /Can't preload 'no-such-package' from /,
      cause: 'MODULE_NOT_FOUND',
    },
  ]);
});

t.test(
  'modules are found by the name that they were preloaded by, builtins with and without node:',
  async (t) => {
    const { value } = await isolated(({ zygote }) => {
      const exports = {};
      const registry = new zygote.modules.ModuleRegistry([
        { specifier: './a.cjs', filename: '/x/a.cjs', exports },
      ]);
      const ids = [
        './a.cjs',
        '/x/a.cjs',
        'a',
        'fs',
        'node:fs',
        'fs/promises',
        'node:test',
        'test',
        'no-such',
      ];
      return ids.filter((id) => registry.find(id) !== undefined);
    });
    t.same(value, ['./a.cjs', 'fs', 'node:fs', 'fs/promises', 'node:test']);
  },
);

t.test('what is not there is an error as in Node that says what is', async (t) => {
  const { value } = await isolated(({ zygote }) => {
    const preloaded = (specifier: string) => ({ specifier, filename: undefined, exports: {} });
    const registry = new zygote.modules.ModuleRegistry(['lodash', './helpers.cjs'].map(preloaded));
    const many = new zygote.modules.ModuleRegistry(Array.from({ length: 30 }, (_, i) => preloaded(`m${i}`)));
    const paths = new zygote.modules.ModuleRegistry(
      ['/srv/adapter.cjs', 'lodash', 'file:///srv/a.mjs'].map(preloaded),
    );
    const attempt = (action: () => unknown) => {
      try {
        action();
        return undefined;
      } catch (error) {
        const { code, message } = error as Caught;
        return { code, message };
      }
    };
    return [
      attempt(() => registry.get('left-pad', 'step.js', 'require')),
      attempt(() => registry.get('left-pad', 'step.js', 'import')),
      attempt(() => many.get('left-pad', 'step.js', 'import')),
      // Where the host has its files is not said.
      attempt(() => paths.get('left-pad', 'step.js', 'import')),
    ];
  });
  t.match(value, [
    {
      code: 'MODULE_NOT_FOUND',
      message: /'left-pad' in step\.js.*preloaded, lodash, \.\/helpers\.cjs$/,
    },
    { code: 'ERR_MODULE_NOT_FOUND', message: /preloaded, lodash/ },
    { message: /m18, m19 and 10 more$/ },
    { message: /preloaded, lodash$/ },
  ]);
});

t.test('one name for two modules is refused', async (t) => {
  const { value } = await isolated(({ zygote }) => {
    const a = { specifier: './a.cjs', filename: '/x/a.cjs', exports: {} };
    const { ModuleRegistry } = zygote.modules;
    new ModuleRegistry([a, a]);
    try {
      new ModuleRegistry([a, { ...a, filename: '/y/a.cjs', exports: {} }]);
      return undefined;
    } catch (error) {
      return { ...(error as Caught), message: (error as Caught).message };
    }
  });
  t.match(value, { code: 'ERR_PRELOAD_CONFLICT', message: /\/x\/a\.cjs.*\/y\/a\.cjs/ });
});

t.test('preloading does not start the thread pool where it can be avoided', async (t) => {
  const { value } = await isolated(async ({ zygote, require }) => {
    const { readdirSync } = require('node:fs') as typeof fs;
    const threads = () => readdirSync('/proc/self/task').length;
    const before = threads();
    await zygote.preload.preloadModules([{ specifier: 'apache-arrow', parent: process.cwd() }]);
    return threads() - before;
  });
  t.equal(value, 0);
});
