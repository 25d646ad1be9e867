/**
 * Compiles and runs the source text of a user's module: CommonJS or ES, JavaScript or TypeScript.
 *
 * The text is compiled as it is, so positions in stack traces are those in the text, under the file name that is given.
 */
import { CommonJsModule } from './commonjs-module.js';
import { importsOf } from './imports.js';
import { EsModule } from './es-module.js';
import { ModuleRegistry } from './modules.js';
import { furthest, type Problem, problemOf, toSyntaxError } from './syntax-error.js';
import { canStripTypes, prepareTypeScript, stripTypes, TypeScriptProblem } from './typescript.js';
import { withoutExperimentalWarnings } from './warnings.js';

export type ModuleKind = 'commonjs' | 'module';

export interface UserSource {
  readonly code: string;
  /** For stack traces, `__filename` and so on. Nothing is read from it. */
  readonly filename: string;
  /** @default what the extension says (.cjs, .mjs, .cts, .mts), else whichever the text is */
  readonly kind?: ModuleKind | 'auto' | undefined;
  /**
   * Whether types have to be stripped first.
   * @default what the extension says, else only if the text is no JavaScript
   */
  readonly typescript?: boolean | undefined;
}

export interface UserModule {
  readonly kind: ModuleKind;
  /** Runs it. @returns module.exports, or the namespace */
  load(): Promise<unknown>;
}

export interface PrepareOptions {
  /** Whether to load what strips types now. Else the first child that needs it does, which takes it 40 ms. */
  readonly typescript: boolean;
  /** What the children will be given. */
  readonly registry?: ModuleRegistry;
}

/** What children need. In the zygote. */
export async function prepareUserModules({
  typescript,
  registry = new ModuleRegistry(),
}: PrepareOptions): Promise<void> {
  await importsOf(registry).prepare();
  // Node says once that modules made from source text are experimental.
  withoutExperimentalWarnings(() => compileUserModule({ code: '', filename: 'prepare.mjs' }, registry));
  if (typescript) prepareTypeScript();
}

/** What makes it faster in all children to compile and run modules. In the zygote, after the above. */
export async function rehearseUserModules(registry: ModuleRegistry): Promise<void> {
  const sources = [
    { code: 'module.exports = () => import("node:path")', filename: 'prepare.cjs' },
    {
      code: 'import path from "node:path"; export default () => path.join(import.meta.url)',
      filename: 'prepare.mjs',
    },
    { code: 'await 0; export default', filename: 'wrong.mjs' },
  ];
  for (const source of sources) {
    try {
      await withoutExperimentalWarnings(() => compileUserModule(source, registry)).load();
    } catch {
      // The last is wrong, so that reporting is prepared too.
    }
  }
}

/** @throws SyntaxError with the position in the text; ERR_TYPESCRIPT_UNAVAILABLE */
export function compileUserModule(source: UserSource, registry: ModuleRegistry): UserModule {
  const compiled = compileSomehow(source, registry);
  if (isProblem(compiled)) throw toSyntaxError(compiled, source.code, source.filename);
  return compiled;
}

function isProblem(compiled: UserModule | Problem): compiled is Problem {
  return 'line' in compiled;
}

function compileSomehow(source: UserSource, registry: ModuleRegistry): UserModule | Problem {
  const { filename } = source;
  const { kind, typescript, mayBeTypeScript } = planOf(source);
  const code = source.code.startsWith('\uFEFF') ? source.code.slice(1) : source.code;
  const imports = importsOf(registry);

  const compileAs = (known: ModuleKind, text: string): UserModule =>
    known === 'commonjs'
      ? new CommonJsModule(text, filename, registry, imports)
      : new EsModule(text, filename, imports);
  const compile = (text: string): UserModule | Problem => {
    const errors: unknown[] = [];
    for (const each of kind === 'auto' ? (['commonjs', 'module'] as const) : [kind]) {
      try {
        return withoutStacks(() => compileAs(each, text));
      } catch (error) {
        errors.push(error);
      }
    }
    return errors.map(problemOf).reduce(furthest);
  };
  const compileStripped = (): UserModule | Problem => {
    try {
      return compile(stripTypes(code));
    } catch (error) {
      if (error instanceof TypeScriptProblem) return error.problem;
      throw error;
    }
  };

  if (typescript) return compileStripped();
  const asJavaScript = compile(code);
  if (!isProblem(asJavaScript) || !mayBeTypeScript || !canStripTypes()) return asJavaScript;
  const asTypeScript = compileStripped();
  return isProblem(asTypeScript) ? moreHelpful(asJavaScript, asTypeScript) : asTypeScript;
}

/** An ES text fails as CommonJS first. Formatting the stack of that error would be a third of the whole work. */
function withoutStacks<T>(action: () => T): T {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return action();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

interface Plan {
  readonly kind: ModuleKind | 'auto';
  /** It is TypeScript for sure. */
  readonly typescript: boolean;
  readonly mayBeTypeScript: boolean;
}

function planOf({ filename, kind, typescript }: UserSource): Plan {
  const [, module, language] = /\.([cm]?)([jt]s)$/.exec(filename) ?? [];
  const said = module === 'c' ? 'commonjs' : module === 'm' ? 'module' : 'auto';
  const isTypeScript = typescript ?? language === 'ts';
  return {
    kind: kind ?? said,
    typescript: isTypeScript,
    // Who writes .cjs or .mjs means JavaScript. A plain .js may be just what a text without a name is called.
    mayBeTypeScript: isTypeScript || (typescript === undefined && said === 'auto'),
  };
}

/**
 * Which of the two to tell. As JavaScript, TypeScript goes wrong at its first type, and JavaScript that is wrong goes
 * wrong in the same line as both: V8's words for it are better known.
 */
function moreHelpful(asJavaScript: Problem, asTypeScript: Problem): Problem {
  const isTypeScript = asTypeScript.code === 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX';
  return isTypeScript || asTypeScript.line > asJavaScript.line ? asTypeScript : asJavaScript;
}
