import { constants } from 'node:buffer';
import type { Validity } from './bitmap.js';
import type { Body, Node, Region } from './body.js';
import type { Dictionaries, Dictionary } from './dictionaries.js';
import { fail } from './errors.js';
import type { Budget } from './limits.js';
import { METADATA_V5, type Input } from './message.js';
import { badIndexFinder, breachFinder, BREACHES } from './finders.js';
import { Offsets32, Offsets64, type Offsets } from './offsets.js';
import type { DictionaryEncoding, Field } from './schema.js';
import type { Layout, ValueRule } from './types.js';
import { childNumbers, findBadTypeId, findBadUnionOffset } from './unions.js';
import { findBadString } from './utf8.js';
import { Views } from './views.js';

/** What an array turned out to be. */
export interface Shape {
  readonly length: number;
  readonly nullCount: number;
  /** An upper limit of what it costs to read one value with everything in it, in values of fixed width. */
  readonly deep: number;
  readonly children: readonly Shape[];
  /** For an array of indices, the dictionary that they lead to. */
  readonly dictionary?: Dictionary | undefined;
}

/** So many bytes of a string are as much work as one value. */
const BYTES_PER_VALUE = 16;

/** The sum of costs stays far below the numbers that are exact, and below infinity. */
const MAX_DEEP = 2 ** 50;

/** Checks the columns of one batch. It calls itself for children; the schema limits how deep. */
export class Columns {
  readonly #input: Input;
  readonly #body: Body;
  readonly #dictionaries: Dictionaries;
  readonly #budget: Budget;
  readonly #version: number;
  /** The batch, for messages. */
  readonly #batch: string;

  constructor(
    input: Input,
    body: Body,
    dictionaries: Dictionaries,
    budget: Budget,
    { version, batch }: { version: number; batch: string },
  ) {
    this.#input = input;
    this.#body = body;
    this.#dictionaries = dictionaries;
    this.#budget = budget;
    this.#version = version;
    this.#batch = batch;
  }

  /** A column as it stands in a record batch: indices if it has a dictionary, values otherwise. */
  column(field: Field): Shape {
    return field.dictionary === undefined ? this.values(field) : this.#indices(field, field.dictionary);
  }

  values(field: Field): Shape {
    const path = this.#pathOf(field);
    const node = this.#body.node(path);
    const { layout } = field.type;
    switch (layout.kind) {
      case 'null':
        // The null count means nothing here; apache-arrow writes -1 for a part of a table.
        this.#budget.charge(node.length, node.position, path);
        return flat(node);
      case 'bool':
        this.#body.validity(node, path);
        this.#body.bufferOf(Math.ceil(node.length / 8), 'Booleans', path);
        return flat(node);
      case 'fixed':
        return this.#fixed(layout.width, layout.rule, node, path);
      case 'binary':
        return this.#binary(layout, node, path);
      case 'view':
        return this.#views(layout.utf8, node, path);
      case 'list':
        return this.#list(field, layout, node, path);
      case 'fixed-list':
        return this.#fixedList(field, layout.size, node, path);
      case 'struct':
        return this.#struct(field, node, path);
      case 'union':
        return this.#union(field, layout, node, path);
    }
  }

  #pathOf(field: Field): string {
    return `${this.#batch}.${field.path}`;
  }

  #indices(field: Field, { id, indexWidth, indexSigned }: DictionaryEncoding): Shape {
    const path = this.#pathOf(field);
    const node = this.#body.node(path);
    const { length, nullCount } = node;
    const validity = this.#body.validity(node, path);
    const { offset } = this.#body.bufferOf(length * indexWidth, 'Indices', path);
    const dictionary = this.#dictionaries.use(id, offset, path);
    if (nullCount < length) {
      if (dictionary === undefined) fail('dictionary', `Dictionary ${id} was not sent before`, offset, path);
      const limit = Math.min(dictionary.length, indexSigned ? 2 ** (8 * indexWidth - 1) : Infinity);
      const find = badIndexFinder(indexWidth, limit, ...this.#memory(offset), length);
      const bad = firstValid(find, validity);
      if (bad !== -1) fail('dictionary', 'Index out of range', offset + bad * indexWidth, path);
      // apache-arrow keeps each value that it made from the dictionary, but what is inside a nested value is made
      // again for each row that leads there.
      if (field.children.length > 0) this.#budget.charge(length * dictionary.deep, offset, path);
    }
    return { length, nullCount, deep: dictionary?.deep ?? 1, children: [], dictionary };
  }

  #fixed(width: number, rule: ValueRule | undefined, node: Node, path: string): Shape {
    const { length, position } = node;
    const validity = this.#body.validity(node, path);
    const { offset } = this.#body.bufferOf(length * width, 'Values', path);
    if (width === 0) this.#budget.charge(length, position, path);
    if (rule !== undefined) {
      const bad = firstValid(breachFinder(rule, ...this.#memory(offset), length), validity);
      if (bad !== -1) fail('value', BREACHES[rule.rule], offset + bad * width, path);
    }
    return flat(node);
  }

  #binary({ wide, utf8 }: { wide: boolean; utf8: boolean }, node: Node, path: string): Shape {
    const validity = this.#body.validity(node, path);
    const region = this.#offsetBuffer(node, wide, path);
    const data = this.#body.buffer(path);
    if (region === undefined) return flat(node);
    const { offsets, longest } = this.#offsets(region, node, wide, data.length, path);
    if (!utf8) return flat(node);
    if (longest > constants.MAX_STRING_LENGTH) {
      fail(
        'unsupported',
        `String of ${longest} bytes, more than JavaScript's strings hold`,
        data.offset,
        path,
      );
    }
    const { bytes } = this.#input;
    const bad = findBadString(bytes.subarray(data.offset, data.offset + data.length), offsets, validity);
    if (bad !== -1) fail('utf8', `String ${bad} is not UTF-8`, data.offset + offsets.at(bad), path);
    return flat(node, 1 + longest / BYTES_PER_VALUE);
  }

  /** The offsets' buffer; undefined if it is empty, as it may be for an array without values. */
  #offsetBuffer({ length }: Node, wide: boolean, path: string): Region | undefined {
    const width = wide ? 8 : 4;
    const region = this.#body.bufferOf(length === 0 ? 0 : (length + 1) * width, 'Offsets', path);
    return region.length < width ? undefined : region;
  }

  #offsets(region: Region, { length }: Node, wide: boolean, end: number, path: string): CheckedOffsets {
    const { bytes } = this.#input;
    const offsets = new (wide ? Offsets64 : Offsets32)(bytes, region.offset, length + 1);
    const { bad, longest } = offsets.check();
    if (bad !== -1)
      fail('offsets', `Offset ${bad} goes backwards`, region.offset + bad * (wide ? 8 : 4), path);
    const last = offsets.at(length);
    if (last > end) {
      const position = region.offset + length * (wide ? 8 : 4);
      fail('offsets', `Last offset ${last} is beyond ${end}`, position, path);
    }
    return { offsets, longest };
  }

  #views(utf8: boolean, node: Node, path: string): Shape {
    const { length } = node;
    const { bytes, view } = this.#input;
    const validity = this.#body.validity(node, path);
    const { offset } = this.#body.bufferOf(length * 16, 'Views', path);
    const buffers = Array.from({ length: this.#body.variadicCount(path) }, () => this.#body.buffer(path));
    const views = new Views(bytes, view, offset, length, buffers);
    const bad = firstValid((from) => views.findBad(from), validity);
    if (bad !== -1) fail('view', 'View that fits no buffer', offset + bad * 16, path);

    const { longest, referred } = views;
    const present = buffers.reduce((sum, buffer) => sum + buffer.length, 0);
    this.#budget.charge(Math.max(0, referred - present) / BYTES_PER_VALUE, offset, path);
    if (!utf8) return flat(node);
    if (longest > constants.MAX_STRING_LENGTH) {
      fail('unsupported', `String of ${longest} bytes, more than JavaScript's strings hold`, offset, path);
    }
    // SECURITY: 16 times less of it than of text that readers make strings of, which they may never do.
    this.#budget.charge(views.checkedAgain, offset, path);
    const badString = firstValid((from) => views.findBadString(from), validity);
    if (badString !== -1) fail('utf8', `String ${badString} is not UTF-8`, offset + badString * 16, path);
    return flat(node, 1 + longest / BYTES_PER_VALUE);
  }

  #list(field: Field, { wide, map }: { wide: boolean; map: boolean }, node: Node, path: string): Shape {
    this.#body.validity(node, path);
    const region = this.#offsetBuffer(node, wide, path);
    const child = this.column(field.children[0]!);
    const longest = region === undefined ? 0 : this.#offsets(region, node, wide, child.length, path).longest;
    if (map) this.#checkMap(child, node, path);
    return nested(node, longest * child.deep, [child]);
  }

  #checkMap(entries: Shape, node: Node, path: string): void {
    const [key] = entries.children;
    if (entries.nullCount > 0 || key!.nullCount > 0) {
      fail('batch', 'Map with a null entry or key', node.position, path);
    }
    // For each row apache-arrow makes a cache for all values of the keys' dictionary.
    const dictionaryLength = key?.dictionary?.length ?? 0;
    this.#budget.charge((node.length * dictionaryLength) / 8, node.position, path);
  }

  #fixedList(field: Field, size: number, node: Node, path: string): Shape {
    this.#body.validity(node, path);
    const child = this.column(field.children[0]!);
    if (child.length !== node.length * size) {
      fail('batch', `${child.length} values in ${node.length} lists of ${size}`, node.position, path);
    }
    if (size === 0) this.#budget.charge(node.length, node.position, path);
    return nested(node, size * child.deep, [child]);
  }

  #struct(field: Field, node: Node, path: string): Shape {
    this.#body.validity(node, path);
    const children = this.#sameLength(field, node, path);
    if (children.length === 0) this.#budget.charge(node.length, node.position, path);
    return nested(
      node,
      children.reduce((sum, { deep }) => sum + deep, 0),
      children,
    );
  }

  #sameLength(field: Field, node: Node, path: string): Shape[] {
    return field.children.map((child) => {
      const shape = this.column(child);
      if (shape.length !== node.length) {
        fail(
          'batch',
          `${shape.length} values in ${node.length} rows`,
          node.position,
          `${path}.${child.name}`,
        );
      }
      return shape;
    });
  }

  #union(field: Field, { dense, ids }: Layout & { kind: 'union' }, node: Node, path: string): Shape {
    const { length, nullCount, position } = node;
    if (this.#version < METADATA_V5) {
      // Before V5 unions had a validity bitmap, which apache-arrow skips.
      this.#body.validity(node, path);
      if (nullCount > 0) fail('unsupported', 'Union with nulls of its own', position, path);
    }
    const typeIds = this.#body.bufferOf(length, 'Type ids', path);
    const offsets = dense ? this.#body.bufferOf(length * 4, 'Union offsets', path) : undefined;
    const [memory, start] = this.#memory(typeIds.offset);
    const given = new Uint8Array(memory, start, length);
    const numbers = childNumbers(ids);
    const badId = findBadTypeId(given, numbers);
    if (badId !== -1) fail('union', `Unknown type id ${given[badId]}`, typeIds.offset + badId, path);

    const children = dense
      ? field.children.map((child) => this.column(child))
      : this.#sameLength(field, node, path);
    if (offsets !== undefined) {
      const lengths = Float64Array.from(children, (child) => child.length);
      const repeats = new Float64Array(children.length);
      const values = new Int32Array(...this.#memory(offsets.offset), length);
      const bad = findBadUnionOffset(given, values, numbers, lengths, repeats);
      if (bad !== -1) fail('union', `Offset ${values[bad]} of slot ${bad}`, offsets.offset + 4 * bad, path);
      children.forEach(({ deep }, i) => {
        this.#budget.charge(repeats[i]! * deep, position, path);
      });
    }
    return nested(
      node,
      children.reduce((most, { deep }) => Math.max(most, deep), 0),
      children,
    );
  }

  /** What typed arrays need to lie over the input from `offset` on. */
  #memory(offset: number): [ArrayBufferLike, number] {
    const { buffer, byteOffset } = this.#input.bytes;
    return [buffer, byteOffset + offset];
  }
}

interface CheckedOffsets {
  readonly offsets: Offsets;
  readonly longest: number;
}

function flat({ length, nullCount }: Node, deep = 1): Shape {
  return { length, nullCount, deep, children: [] };
}

function nested({ length, nullCount }: Node, deep: number, children: readonly Shape[]): Shape {
  return { length, nullCount, deep: Math.min(1 + deep, MAX_DEEP), children };
}

/** The first index that `find` reports and that is not null, or -1. */
function firstValid(find: (from: number) => number, validity: Validity): number {
  let bad = find(0);
  while (bad !== -1 && validity.isNull(bad)) bad = find(validity.skipNulls(bad + 1));
  return bad;
}
