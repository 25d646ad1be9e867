/**
 * Whether one batch can follow another. In apache-arrow, dictionaries that were made apart have types of their own, so
 * that two tables with texts of `tableFromArrays()` are never of one schema; here they are, with a dictionary each. Nor
 * does it matter which columns may have nulls: its fields may not have any unless one says so, and then they have some.
 */
import type { Data, DataType, Dictionary, Field, RecordBatch, Schema } from 'apache-arrow';
import type { Arrow } from './arrow.js';

/** A type with fields in it, or one of the numbers that some of these have. */
interface Parts {
  readonly children?: readonly Field<DataType>[];
  readonly listSize?: number;
  readonly keysSorted?: boolean;
  readonly mode?: number;
  readonly typeIds?: readonly number[];
}

const partsOf = (type: DataType): Parts => type;
const childrenOf = (type: DataType): readonly Field<DataType>[] => partsOf(type).children ?? [];
/** `Field` stands for one of any type. */
const typeOf = ({ type }: Field<DataType>): DataType => type;

function isDictionary(arrow: Arrow, type: DataType): type is Dictionary {
  return arrow.DataType.isDictionary(type);
}

/** Equal but for the ids of dictionaries. */
function sameType(arrow: Arrow, type: DataType, other: DataType): boolean {
  if (isDictionary(arrow, type) && isDictionary(arrow, other)) {
    return (
      type.isOrdered === other.isOrdered &&
      sameType(arrow, type.indices, other.indices) &&
      sameType(arrow, type.dictionary as DataType, other.dictionary as DataType)
    );
  }
  const [fields, others] = [childrenOf(type), childrenOf(other)];
  if (isDictionary(arrow, type) || fields.length === 0) return arrow.util.compareTypes(type, other);
  const [a, b] = [partsOf(type), partsOf(other)];
  return (
    type.typeId === other.typeId &&
    a.listSize === b.listSize &&
    a.keysSorted === b.keysSorted &&
    a.mode === b.mode &&
    String(a.typeIds) === String(b.typeIds) &&
    fields.length === others.length &&
    fields.every((field, index) => {
      const counterpart = others[index];
      return field.name === counterpart?.name && sameType(arrow, field.type, counterpart.type);
    })
  );
}

/** The same values under another type, which is the same but for the ids of dictionaries. */
function withType(arrow: Arrow, data: Data, type: DataType): Data {
  const types = childrenOf(type).map(typeOf);
  const children = data.children.map((child, index) => withType(arrow, child, types[index] ?? child.type));
  const { offset, length, nullCount } = data;
  const clone: Data = data.clone(type, offset, length, nullCount, undefined, children);
  if (
    isDictionary(arrow, type) &&
    data.dictionary !== undefined &&
    childrenOf(type.dictionary as DataType).length > 0
  ) {
    const values = data.dictionary.data.map((part: Data) =>
      withType(arrow, part, type.dictionary as DataType),
    );
    return Object.assign(clone, { dictionary: new arrow.Vector(values) });
  }
  return clone;
}

/** All of its types have a toString() that says what they are made of. */
const nameOf = (type: { toString(): string }): string => type.toString();

/** In words, or undefined if there is none. */
function difference(
  arrow: Arrow,
  firsts: readonly Field<DataType>[],
  fields: readonly Field<DataType>[],
): string | undefined {
  if (fields.length !== firsts.length)
    return `${fields.length} columns, and the first batch has ${firsts.length}`;
  for (const [index, field] of fields.entries()) {
    const first = firsts[index];
    if (first === undefined) continue;
    if (field.name !== first.name)
      return `a column '${field.name}' where the first batch has '${first.name}'`;
    if (sameType(arrow, field.type, first.type)) continue;
    const [type, firstType] = [nameOf(field.type), nameOf(first.type)];
    return type === firstType
      ? `a column '${field.name}' of ${type} that differs from the first batch's in what is inside`
      : `a column '${field.name}' of ${type}, which is ${firstType} in the first batch`;
  }
  return undefined;
}

/** The batch with exactly this schema, or in words how it differs from it. */
export function withSchema(arrow: Arrow, batch: RecordBatch, schema: Schema): RecordBatch | string {
  // The ids of all dictionaries are the same. (Not a type guard here: what is not equal is a schema all the same.)
  const isEqual: boolean = arrow.util.compareSchemas(batch.schema, schema);
  if (isEqual) return batch;
  const how = difference(arrow, schema.fields, batch.schema.fields);
  if (how !== undefined) return how;
  const { data } = batch;
  const types = schema.fields.map(typeOf);
  const columns = data.children.map((child, index) => withType(arrow, child, types[index] ?? child.type));
  const rows = data.clone(data.type, data.offset, data.length, 0, undefined, columns);
  return new arrow.RecordBatch(schema, rows, batch.metadata);
}
