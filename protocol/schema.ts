/**
 * protocol.thrift as tables for the writer and the strict reader, made from what the Thrift compiler says about it as
 * JSON: there is one definition, and they can't drift from it.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as wire from './wire.js';

/** What `thrift --gen json` writes, as far as it is used. */
interface IdlType {
  typeId: string;
  class?: string;
  elemTypeId?: string;
  elemType?: IdlType;
}
interface IdlField {
  key: number;
  name: string;
  typeId: string;
  type?: IdlType;
  required: 'required' | 'optional' | 'req_out';
}
interface Idl {
  enums: { name: string; members: { name: string; value: number }[] }[];
  structs: { name: string; isUnion: boolean; fields: IdlField[] }[];
}

export type FieldType =
  | {
      readonly kind: 'bool' | 'i32' | 'i64' | 'double' | 'string' | 'binary';
      readonly wire: number;
    }
  | { readonly kind: 'value'; readonly wire: number }
  | { readonly kind: 'struct'; readonly wire: number; readonly struct: StructSchema }
  | { readonly kind: 'list'; readonly wire: number; readonly element: FieldType };

export interface FieldSchema {
  readonly id: number;
  readonly name: string;
  readonly type: FieldType;
}

export interface StructSchema {
  readonly name: string;
  readonly isUnion: boolean;
  /** By id, and in the order of their ids. */
  readonly fields: Map<number, FieldSchema>;
  /** The ids of the fields that must be there. */
  readonly required: Set<number>;
}

const WIRE_TYPES = {
  bool: wire.BOOL,
  i32: wire.I32,
  i64: wire.I64,
  double: wire.DOUBLE,
  string: wire.STRING,
  binary: wire.STRING,
} as const;

function makeSchemas(idl: Idl): Map<string, StructSchema> {
  const schemas = new Map<string, StructSchema>();
  for (const { name, isUnion } of idl.structs) {
    schemas.set(name, { name, isUnion, fields: new Map(), required: new Set() });
  }
  for (const { name, fields } of idl.structs) {
    const schema = schemas.get(name);
    for (const field of fields) {
      const { key: id, name } = field;
      schema?.fields.set(id, { id, name, type: fieldType(field.type ?? field) });
      if (field.required === 'required') {
        schema?.required.add(field.key);
      }
    }
  }
  return schemas;

  function fieldType(type: IdlType): FieldType {
    const { typeId } = type;
    if (typeId === 'list') {
      return {
        kind: 'list',
        wire: wire.LIST,
        element: fieldType(type.elemType ?? { typeId: String(type.elemTypeId) }),
      };
    }
    if (type.class === 'Value') {
      return { kind: 'value', wire: wire.STRUCT };
    }
    const struct = type.class === undefined ? undefined : schemas.get(type.class);
    if (struct) {
      return { kind: 'struct', wire: wire.STRUCT, struct };
    }
    if (typeId in WIRE_TYPES) {
      const kind = typeId as keyof typeof WIRE_TYPES;
      return { kind, wire: WIRE_TYPES[kind] };
    }
    throw new TypeError(`protocol.thrift has no type ${typeId}`);
  }
}

const idl = JSON.parse(readFileSync(join(__dirname, 'gen', 'protocol.json'), 'utf8')) as Idl;
const schemas = makeSchemas(idl);

export function schemaOf(struct: string): StructSchema {
  const schema = schemas.get(struct);
  if (schema === undefined) {
    throw new TypeError(`protocol.thrift has no struct ${struct}`);
  }
  return schema;
}

/** The number that a member of an enum has. */
export function enumValue(name: string, member: string): number {
  const value = idl.enums
    .find((each) => each.name === name)
    ?.members.find((each) => each.name === member)?.value;
  if (value === undefined) {
    throw new TypeError(`protocol.thrift has no ${name}.${member}`);
  }
  return value;
}
