import { fail } from './errors.js';
import type { Budget } from './limits.js';
import { sameValues, type Field } from './schema.js';

/** What a value in a cache is charged as: no more than what the account has for the four bytes of an offset. */
const VALUES_PER_CACHED = 32;

/** What is known of one dictionary of the schema. */
export interface Dictionary {
  readonly id: number;
  /** The first field that has this dictionary. */
  readonly field: Field;
  /** Ids of the dictionaries that its values refer to. */
  readonly nested: ReadonlySet<number>;
  /** Values that are loaded. */
  length: number;
  /** How much it costs to read the most expensive value; see {@link Shape.deep} of columns.ts. */
  deep: number;
  /** The batches that its values are made of: one, and the deltas to it. */
  chunks: number;
  /** How often it was loaded, deltas included. */
  version: number;
  /** The versions of the nested dictionaries when this one was loaded. */
  seen: ReadonlyMap<number, number>;
}

/**
 * Follows the dictionary batches in the order in which apache-arrow loads them.
 *
 * In apache-arrow a dictionary whose values have dictionaries of their own keeps those that it found when it was
 * loaded. Where one of them was loaded again since then, other readers see other values, so this is refused.
 */
export class Dictionaries {
  readonly #byId = new Map<number, Dictionary>();
  readonly #replaceable: boolean;

  /** `replaceable`: whether a dictionary may be sent anew, as in streams, or only be added to, as in files. */
  constructor(fields: readonly Field[], replaceable: boolean) {
    this.#replaceable = replaceable;
    this.#collect(fields);
  }

  #collect(fields: readonly Field[]): ReadonlySet<number> {
    const ids = new Set<number>();
    for (const field of fields) {
      const nested = this.#collect(field.children);
      for (const id of nested) ids.add(id);
      const id = field.dictionary?.id;
      if (id === undefined) continue;
      ids.add(id);
      if (nested.has(id)) fail('schema', `Dictionary ${id} inside itself`, 0, field.path);
      const known = this.#byId.get(id);
      if (known === undefined) {
        this.#byId.set(id, { id, field, nested, length: 0, deep: 0, chunks: 0, version: 0, seen: new Map() });
      } else if (!sameValues(known.field, field)) {
        fail('schema', `Dictionary ${id} has two types`, 0, field.path);
      }
    }
    return ids;
  }

  /** The dictionary that a batch for `id` belongs to, if such a batch may come now. */
  expect(id: number, isDelta: boolean, offset: number): Dictionary {
    const dictionary = this.#byId.get(id);
    if (dictionary === undefined) fail('dictionary', `No column has dictionary ${id}`, offset);
    const { path } = dictionary.field;
    if (isDelta) {
      if (dictionary.version === 0)
        fail('dictionary', 'Delta to a dictionary that was not sent', offset, path);
      this.#checkFresh(dictionary, offset, path);
    } else if (dictionary.version > 0 && !this.#replaceable) {
      fail('dictionary', `Dictionary ${id} is replaced in a file`, offset, path);
    }
    return dictionary;
  }

  /** Takes note of a batch that was found fine. */
  loaded(
    dictionary: Dictionary,
    isDelta: boolean,
    length: number,
    deep: number,
    budget: Budget,
    offset: number,
  ): void {
    dictionary.length = (isDelta ? dictionary.length : 0) + length;
    // SECURITY: apache-arrow keeps a cache of 8 bytes for each value, however few bytes the values take.
    budget.charge(length * VALUES_PER_CACHED, offset, dictionary.field.path);
    dictionary.deep = Math.max(isDelta ? dictionary.deep : 0, deep);
    dictionary.version++;
    dictionary.seen = new Map(Array.from(dictionary.nested, (id) => [id, this.#versionOf(id)]));
    dictionary.chunks = isDelta ? dictionary.chunks + 1 : 1;
    // With each delta apache-arrow allocates a cache for all values so far, and looks at each batch of them, slowly.
    if (isDelta) budget.charge(dictionary.length + dictionary.chunks * 50, offset, dictionary.field.path);
  }

  /** The dictionary of a column, or undefined if none was sent yet. */
  use(id: number, offset: number, path: string): Dictionary | undefined {
    const dictionary = this.#byId.get(id);
    if (dictionary === undefined || dictionary.version === 0) return undefined;
    this.#checkFresh(dictionary, offset, path);
    return dictionary;
  }

  #checkFresh(dictionary: Dictionary, offset: number, path: string): void {
    for (const [id, version] of dictionary.seen) {
      if (this.#versionOf(id) !== version) {
        fail(
          'unsupported',
          `Dictionary ${id} was sent again after one whose values refer to it`,
          offset,
          path,
        );
      }
    }
  }

  #versionOf(id: number): number {
    return this.#byId.get(id)?.version ?? 0;
  }
}
