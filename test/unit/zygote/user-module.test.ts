import t from 'tap';
import { isolated, type IsolatedResult } from '../../helpers/isolated.js';

interface Source {
  readonly code: string;
  readonly filename?: string;
  readonly kind?: 'auto' | 'commonjs' | 'module';
  readonly typescript?: boolean;
  /** Specifiers that are preloaded, from this folder. */
  readonly preload?: readonly string[];
  readonly from?: string;
}

interface Outcome {
  readonly kind?: string;
  readonly returned?: unknown;
  readonly error?: {
    readonly name: string;
    readonly message: string;
    readonly stack?: string;
    readonly code?: string;
  };
}

/** Runs each source as a child does, in one process that was prepared and sealed like a zygote. */
async function run(...sources: readonly (string | Source)[]): Promise<IsolatedResult<Outcome[]>> {
  return isolated(
    async ({ zygote }, sources: Source[]) => {
      zygote.fresh.beginPreload();
      const { compileUserModule, prepareUserModules } = zygote.userModule;
      const { entryFunction } = zygote.entry;
      const { describeError } = zygote.describe;
      const requests = sources.flatMap(({ preload = [], from = '/' }) =>
        preload.map((specifier) => ({ specifier, parent: from })),
      );
      const registry = new zygote.modules.ModuleRegistry(await zygote.preload.preloadModules(requests));
      const typescript = zygote.typescript.canStripTypes();
      await prepareUserModules({ typescript, registry });
      zygote.fresh.prepareFresh({ ownDirectories: [] });
      const outcomes: Outcome[] = [];
      for (const { filename = 'step.js', ...source } of sources) {
        try {
          const module = compileUserModule({ ...source, filename }, registry);
          const call = entryFunction(await module.load(), module.kind, filename);
          outcomes.push({ kind: module.kind, returned: await call({ params: { n: 20 } }) });
        } catch (error) {
          const { name, message, code, stack = '' } = describeError(error);
          // Without the frames of this script, which is where zygote/ is in a child.
          const frames = stack.replace(/\n.*\/isolated-.*/g, '');
          outcomes.push({ error: { name, message, stack: frames, ...(code !== undefined && { code }) } });
        }
      }
      return outcomes;
    },
    sources.map((source) => (typeof source === 'string' ? { code: source } : source)),
  );
}

t.test('the kind of a text is found out', async (t) => {
  const { value } = await run(
    'module.exports = ({ params }) => params.n + 1;',
    'export default ({ params }) => params.n + 2;',
    'export default async ({ params }) => params.n + 3;',
    'const three = await Promise.resolve(4);\nexport default ({ params }) => params.n + three;',
    'const { n } = await Promise.resolve({ n: 5 }); exports = 1; export { n }; export default () => n;',
    '#!/usr/bin/env node\nreturn void (module.exports = () => 6);',
    '\uFEFFmodule.exports = () => 7;',
  );
  t.match(value, [
    { kind: 'commonjs', returned: 21 },
    { kind: 'module', returned: 22 },
    { kind: 'module', returned: 23 },
    { kind: 'module', returned: 24 },
    { error: { name: 'ReferenceError' } },
    { kind: 'commonjs', returned: 6 },
    { kind: 'commonjs', returned: 7 },
  ]);
});

t.test('the extension of the file name decides, and what is said outright decides before it', async (t) => {
  const both = 'var me = this; typeof module === "object" && (module.exports = () => me === undefined);';
  const { value } = await run(
    { code: both, filename: 'a.cjs' },
    { code: both, filename: 'a.mjs' },
    { code: both, filename: 'a.js' },
    { code: both, filename: 'a.cjs', kind: 'module' },
    { code: 'export default () => 1', filename: 'a.cjs' },
    { code: 'export default () => 1', filename: 'a.cjs', kind: 'auto' },
    { code: 'let a: number = 1; module.exports = () => a', filename: 'a.cjs' },
    { code: 'let a: number = 1; module.exports = () => a', filename: 'a.mjs' },
    { code: 'let a: number = 1; module.exports = () => a', filename: 'a.js', typescript: false },
  );
  t.match(value, [
    { kind: 'commonjs', returned: false },
    { error: { code: 'ERR_NO_ENTRY_FUNCTION' } },
    { kind: 'commonjs', returned: false },
    { error: { code: 'ERR_NO_ENTRY_FUNCTION' } },
    { error: { name: 'SyntaxError' } },
    { kind: 'module', returned: 1 },
    { error: { name: 'SyntaxError' } },
    { error: { name: 'SyntaxError' } },
    { error: { name: 'SyntaxError' } },
  ]);
});

t.test('the entry function is the default export in whatever way it is written', async (t) => {
  const { value } = await run(
    'exports.default = () => 1;',
    'Object.defineProperty(exports, "__esModule", { value: true }); exports.default = () => 2;',
    'module.exports = class { static [Symbol.toStringTag] = "a" }; module.exports = () => 3;',
    'function main() { return 4; }\nexport { main as default };',
  );
  t.match(value, [{ returned: 1 }, { returned: 2 }, { returned: 3 }, { returned: 4 }]);
});

t.test('without an entry function, the error says what there is', async (t) => {
  const { value } = await run(
    'exports.run = 1;',
    'export const run = 1;',
    'export default 5',
    'module.exports = null',
  );
  for (const { error } of value) t.equal(error?.code, 'ERR_NO_ENTRY_FUNCTION');
  t.match(
    value.map(({ error }) => error?.message),
    [
      /step\.js must export a function .*module\.exports is an object with run$/,
      /its default export is missing, and it exports run$/,
      /its default export is a number$/,
      /its module\.exports is null$/,
    ],
  );
});

t.test('CommonJS code has what belongs to it', async (t) => {
  const { value } = await run({
    code: `
      const inside = [this === exports, exports === module.exports, module.loaded];
      module.exports = async () => [
        ...inside, module.loaded, __filename, __dirname, module.id, module.filename,
        require('fs') === require('node:fs'), (await import('fs')).default === require('fs'),
        require.resolve('fs'), require.main, typeof require.cache, require === module.require,
      ];`,
    filename: '/jobs/step.cjs',
  });
  t.same(value[0]?.returned, [
    true, true, false,
    true, '/jobs/step.cjs', '/jobs', '/jobs/step.cjs', '/jobs/step.cjs',
    true, true,
    'fs', undefined, 'object', true,
  ].map((each) => each ?? null)); // prettier-ignore
});

t.test('ES code has what belongs to it', async (t) => {
  const { value } = await run({
    code: `
      import fs, { readFileSync } from 'fs';
      import * as namespace from 'node:fs';
      export default async () => [
        this === undefined, import.meta.url, import.meta.filename, import.meta.dirname, import.meta.resolve('fs'),
        fs.readFileSync === readFileSync, namespace.default === fs, namespace === await import('fs'),
      ];`,
    filename: '/jobs/a step.mjs',
  });
  t.same(value[0]?.returned, [
    true,
    'file:///jobs/a%20step.mjs',
    '/jobs/a step.mjs',
    '/jobs',
    'node:fs',
    true,
    true,
    true,
  ]);
});

t.test('preloaded modules are imported as in Node', async (t) => {
  const from = t.testdir({
    'common.cjs':
      'module.exports = { a: 1, get late() { throw new Error("no file") } }; module.exports.default = 2;',
    'fn.cjs': 'module.exports = () => 3; module.exports.b = 4;',
    'es.mjs': 'export let count = 5; export const increment = () => { count++ }; export default 6;',
  });
  const preload = ['./common.cjs', './fn.cjs', './es.mjs'];
  const { value } = await run({
    code: `
      import common, { a, late } from './common.cjs';
      import fn, { b } from './fn.cjs';
      import six, { count } from './es.mjs';
      import * as es from './es.mjs';
      export default async () => {
        const live = await import('./es.mjs');
        live.increment();
        return [a, common.a, common.default, late === undefined, fn(), b, six, count, es.default, live.count];
      };`,
    preload,
    from,
  });
  t.same(value[0]?.returned, [1, 1, 2, true, 3, 4, 6, 5, 6, 6]);
});

t.test('a getter of a builtin is called if what it gives could be used, and not otherwise', async (t) => {
  const { value } = await run(
    `import http from 'node:http';
     export default () => process.moduleLoadList.some((name) => name.endsWith('internal/deps/undici/undici'));`,
    `import { promises } from 'node:fs'; export default () => typeof promises.readFile;`,
    `import * as fs from 'node:fs'; export default () => typeof fs['pro' + 'mises'].readFile;`,
  );
  t.match(value, [{ returned: false }, { returned: 'function' }, { returned: 'function' }]);
});

t.test(
  'modules that are not there fail at the import and at the require, in the code of the user',
  async (t) => {
    const { value } = await run(
      'import x from "left-pad";\nexport default () => x;',
      'const x = 1;\nconst y = require("left-pad");',
      'export default () => import("./left-pad.js");',
      'module.exports = () => require(5);',
    );
    t.match(value, [
      { error: { code: 'ERR_MODULE_NOT_FOUND', message: /'left-pad' in step\.js/ } },
      { error: { code: 'MODULE_NOT_FOUND', stack: /\n {4}at Object\.<anonymous> \(step\.js:2:11\)$/ } },
      { error: { code: 'ERR_MODULE_NOT_FOUND', message: /'\.\/left-pad\.js'/ } },
      { error: { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' } },
    ]);
  },
);

t.test('positions in stack traces are those in the text', async (t) => {
  const { value } = await run(
    { code: 'throw new Error("x")', filename: 'a.cjs' },
    { code: 'throw new Error("x")', filename: 'a.mjs' },
    { code: 'type A = number;\nconst a: A = 1; throw new Error("x")', filename: 'a.mts' },
    {
      code: '\n\nmodule.exports = async () => {\n  await null;\n  throw new Error("x");\n}',
      filename: '/jobs/b c.js',
    },
  );
  t.match(
    value.map(({ error }) => error?.stack?.split('\n').slice(1).join('\n')),
    [
      /^ {4}at Object\.<anonymous> \(a\.cjs:1:7\)$/,
      /^ {4}at a\.mjs:1:7$/,
      /^ {4}at a\.mts:2:23$/,
      /^ {4}at module\.exports \(\/jobs\/b c\.js:5:9\)$/,
    ],
  );
});

t.test('a syntax error shows where it is, whatever was tried', async (t) => {
  const { value } = await run(
    'const a = 1;\n\tconst b = ;\n',
    'import fs from "fs";\nconst b = ;\n',
    'import { nope } from "fs";\n',
    'function f() {\n',
    `${' '.repeat(500)}const b = ;${' '.repeat(5000)}`,
  );
  const stacks = value.map(({ error }) => error?.stack);
  t.match(
    value,
    Array.from(value, () => ({ error: { name: 'SyntaxError' } })),
  );
  t.equal(stacks[0], "step.js:2:12\n\tconst b = ;\n\t          ^\n\nSyntaxError: Unexpected token ';'");
  t.equal(stacks[1], "step.js:2:11\nconst b = ;\n          ^\n\nSyntaxError: Unexpected token ';'");
  t.match(
    stacks[2],
    /^step\.js:1:10\nimport \{ nope \} from "fs";\n {9}\^\n\nSyntaxError: .*'fs' does not.* 'nope'$/,
  );
  t.match(stacks[3], /^step\.js:2\n\nSyntaxError: Unexpected end of input$/);
  t.match(stacks[4], /^step\.js:1:511\n.*const b = ;.*\n.*\^\n/);
  t.ok(stacks[4]!.length < 500);
});

t.test('the kinds of CommonJS and ES code are told apart in what is wrong with them', async (t) => {
  const { value } = await run(
    'const fs = require("fs");\nreturn 1;\nlet x y;',
    'const x = await 1;\nexport default () => x;\nlet z y;',
  );
  t.match(value, [{ error: { stack: /^step\.js:3:7\n/ } }, { error: { stack: /^step\.js:3:7\n/ } }]);
});

t.test('warnings of what we use of Node do not reach stderr; those of the code do', async (t) => {
  const { stderr } = await run(
    'export default () => { process.emitWarning("mine", "ExperimentalWarning"); }',
    { code: 'const a: number = 1; export default (): number => a', filename: 'a.ts' },
  );
  t.match(stderr, /ExperimentalWarning: mine/);
  t.equal(stderr.match(/Warning/g)?.length, 1);
});
