import path from 'node:path';
import { pathToFileURL } from 'node:url';
import vm from 'node:vm';
import { pathOf } from './commonjs-module.js';
import { type Imports } from './imports.js';
import { problemOf, toSyntaxError } from './syntax-error.js';

// fresh.ts takes it out of node:vm, for a `node` without flags has none.
const { SourceTextModule } = vm;

export class EsModule {
  readonly kind = 'module';
  readonly #code: string;
  readonly #filename: string;
  readonly #imports: Imports;
  readonly #module: vm.SourceTextModule;

  /** @throws SyntaxError */
  constructor(code: string, filename: string, imports: Imports) {
    this.#code = code;
    this.#filename = filename;
    this.#imports = imports;
    this.#module = new SourceTextModule(code, {
      // What stack traces call it.
      identifier: filename,
      initializeImportMeta: (meta) => {
        this.#initializeMeta(meta);
      },
      importModuleDynamically: (specifier) => imports.import(specifier, filename),
    });
  }

  async load(): Promise<unknown> {
    try {
      await this.#module.link((specifier) => this.#imports.link(specifier, this.#filename, this.#code));
    } catch (error) {
      // An import of a name that a module doesn't export. problemOf() throws any other error.
      throw toSyntaxError(problemOf(error), this.#code, this.#filename);
    }
    await this.#module.evaluate();
    return this.#module.namespace;
  }

  #initializeMeta(meta: ImportMeta): void {
    const filename = pathOf(this.#filename);
    const resolve = (specifier: string): string => this.#imports.resolve(specifier, this.#filename);
    Object.assign(meta, {
      dirname: path.dirname(filename),
      filename,
      resolve,
      url: pathToFileURL(filename).href,
    });
  }
}
