/** The tables that a workflow is given. With --watch, a file is read again only if it has changed. */
import { stat } from 'node:fs/promises';
import path from 'node:path';
import type { TableInput } from '../../lib/index.js';
import type { Arguments } from '../arguments.js';
import { usageError } from '../failure.js';
import { formatNamed, type Tables } from '../run/inputs.js';
import { delimiterOf } from '../tables/delimiter.js';
import type { Format } from '../tables/formats.js';
import { readTable } from '../tables/read.js';

interface Known {
  readonly stamp: string;
  readonly table: TableInput;
}

async function stampOf(file: string): Promise<string> {
  if (file === '-') return '';
  try {
    const { mtimeMs, size, ino } = await stat(file);
    return `${mtimeMs} ${size} ${ino}`;
  } catch {
    // Reading it says why.
    return 'gone';
  }
}

export class InputFiles {
  readonly #files: readonly (readonly [name: string, file: string])[];
  readonly #formats: ReadonlyMap<string, Format>;
  readonly #delimiter: string;
  readonly #known = new Map<string, Known>();

  /** @throws {Failure} */
  constructor(given: Arguments) {
    this.#files = given.pairs('input');
    this.#delimiter = delimiterOf(given);
    this.#formats = new Map(
      given.pairs('input-format').map(([name, text]) => [name, formatNamed('input-format', text)]),
    );
    for (const name of this.#formats.keys())
      if (!this.#files.some(([known]) => known === name))
        throw usageError(`--input-format ${name}: there is no such --input`);
    if (this.#files.filter(([, file]) => file === '-').length > 1)
      throw usageError('stdin can be read once only: give a file instead of one -');
  }

  get names(): readonly string[] {
    return this.#files.map(([name]) => name);
  }

  get paths(): readonly string[] {
    return this.#files.flatMap(([, file]) => (file === '-' ? [] : [path.resolve(file)]));
  }

  /** @throws {Failure} */
  async read(): Promise<Tables> {
    for (const [name, file] of this.#files) {
      const stamp = await stampOf(file);
      if (this.#known.get(name)?.stamp === stamp) continue;
      this.#known.delete(name);
      const table = await readTable(file, this.#formats.get(name), this.#delimiter);
      this.#known.set(name, { stamp, table });
    }
    return Object.fromEntries(Array.from(this.#known, ([name, { table }]) => [name, table]));
  }
}
