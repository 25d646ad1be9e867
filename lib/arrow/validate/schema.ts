import { fail } from './errors.js';
import type { Table } from './flatbuffer.js';
import type { ArrowLimits } from './limits.js';
import { readInt, readType, type ArrowType } from './types.js';

/** A column of the table or of a nested type. */
export interface Field {
  readonly name: string;
  readonly nullable: boolean;
  /** The type of the values; of a dictionary's values, if the field has one. */
  readonly type: ArrowType;
  readonly children: readonly Field[];
  readonly dictionary: DictionaryEncoding | undefined;
  /** Where the field is, for messages. */
  readonly path: string;
}

export interface DictionaryEncoding {
  readonly id: number;
  readonly indexWidth: 1 | 2 | 4;
  readonly indexSigned: boolean;
  readonly ordered: boolean;
}

export interface Schema {
  readonly fields: readonly Field[];
  /** Columns, nested ones counted too. */
  readonly numColumns: number;
}

/** Features of the format that a schema may announce; of them compression is refused where it is used. */
const MAX_FEATURE = 2;

/** Reads a schema and checks everything that it says. */
export function readSchema(table: Table, limits: ArrowLimits): Schema {
  const endianness = table.int16(0);
  if (endianness !== 0) fail('endianness', 'Not little-endian', table.position);
  const reader = new SchemaReader(limits);
  const fields = reader.fields(table, 1, '', 1);
  checkNames(fields, table.position, '');
  readMetadata(table, 2);

  const features = table.vector(3, 8);
  for (let i = 0; i < features.length; i++) {
    const feature = table.buffer.view.getBigInt64(features.position + 8 * i, true);
    if (feature < 0 || feature > MAX_FEATURE)
      fail('unsupported', `Unknown feature ${feature}`, features.position);
  }
  return { fields, numColumns: reader.numColumns };
}

/** Walks over user-defined metadata: it has no meaning here, but apache-arrow decodes all of it. */
export function readMetadata(table: Table, field: number): void {
  for (const entry of table.tables(field)) {
    table.buffer.metadata.chargeEntry(entry.position);
    entry.name(0);
    entry.string(1);
  }
}

class SchemaReader {
  readonly #limits: ArrowLimits;
  numColumns = 0;

  constructor(limits: ArrowLimits) {
    this.#limits = limits;
  }

  fields(parent: Table, slot: number, path: string, depth: number): Field[] {
    const fields: Field[] = [];
    for (const table of parent.tables(slot)) fields.push(this.#field(table, fields.length, path, depth));
    return fields;
  }

  #field(table: Table, index: number, parent: string, depth: number): Field {
    // apache-arrow turns an absent name into the string 'null' in some places.
    const name = table.name(0) ?? 'null';
    const path = `${parent === '' ? '' : `${parent}.`}${shorten(name, index)}`;
    if (depth > this.#limits.maxDepth)
      fail('limit', 'Types nested deeper than maxDepth', table.position, path);
    if (++this.numColumns > this.#limits.maxColumns) {
      fail('limit', 'More columns than maxColumns', table.position, path);
    }
    readMetadata(table, 6);
    const type = readType(table.uint8(2), table.table(3), table.position, path);
    const children = this.fields(table, 5, path, depth + 1);
    checkChildren(type, children, table.position, path);
    return { name, nullable: table.bool(1), type, children, dictionary: readDictionary(table, path), path };
  }
}

function shorten(name: string, index: number): string {
  return name === '' ? `[${index}]` : JSON.stringify(name.length > 64 ? `${name.slice(0, 63)}…` : name);
}

function readDictionary(field: Table, path: string): DictionaryEncoding | undefined {
  const table = field.table(4);
  if (table === undefined) return undefined;
  if (table.int16(3) !== 0) fail('schema', `Dictionary of kind ${table.int16(3)}`, table.position, path);
  const indexTable = table.table(1);
  const index = indexTable === undefined ? 'int:32' : readInt(indexTable, path).name;
  const bits = Number(index.slice(index.indexOf(':') + 1));
  if (bits === 64)
    fail('unsupported', "apache-arrow can't read dictionary indices of 64 bits", table.position, path);
  return {
    id: table.int64(0),
    indexWidth: (bits / 8) as 1 | 2 | 4,
    indexSigned: index.startsWith('int'),
    ordered: table.bool(2),
  };
}

/** The children that a type must have. */
function checkChildren(type: ArrowType, children: readonly Field[], position: number, path: string): void {
  const { layout } = type;
  let wanted: number;
  switch (layout.kind) {
    case 'struct':
      checkNames(children, position, path);
      return;
    case 'union':
      wanted = layout.ids.length;
      break;
    case 'list':
    case 'fixed-list':
      wanted = 1;
      break;
    default:
      wanted = 0;
  }
  if (children.length !== wanted) {
    fail('schema', `${type.name} with ${children.length} children instead of ${wanted}`, position, path);
  }
  if (layout.kind === 'list' && layout.map) {
    const entries = children[0];
    if (
      entries?.type.layout.kind !== 'struct' ||
      entries.dictionary !== undefined ||
      entries.children.length !== 2
    ) {
      fail('schema', 'map whose entries are not a struct of two fields', position, path);
    }
  }
}

/**
 * Names must be unique: with equal names apache-arrow gives one column the type of the other, and a row's
 * `Object.keys` throws.
 */
function checkNames(fields: readonly Field[], position: number, path: string): void {
  const names = new Set<string>();
  for (const { name, path: place } of fields) {
    if (names.has(name)) fail('name', 'Two columns of one name', position, place === '' ? path : place);
    names.add(name);
  }
}

/** Whether two fields have the same values: type, children and dictionaries in them, all the way down. */
export function sameValues(a: Field, b: Field): boolean {
  return a.type.name === b.type.name && sameFields(a.children, b.children);
}

export function sameFields(a: readonly Field[], b: readonly Field[]): boolean {
  return a.length === b.length && a.every((field, i) => sameField(field, b[i]!));
}

function sameField(a: Field, b: Field): boolean {
  const { dictionary: x } = a;
  const { dictionary: y } = b;
  return (
    a.name === b.name &&
    a.nullable === b.nullable &&
    x?.id === y?.id &&
    x?.indexWidth === y?.indexWidth &&
    x?.indexSigned === y?.indexSigned &&
    x?.ordered === y?.ordered &&
    sameValues(a, b)
  );
}
