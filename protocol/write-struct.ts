/**
 * Writes structs and unions by their schema: the fields that are there, in the order of their ids. That generated code
 * writes the same bytes is a unit test. It has a class for each struct, and so more code for the processor to fetch anew
 * for the first message after a pause.
 */
import type { BinaryWriter } from './binary-writer.js';
import type { ValueEncoder } from './encode-value.js';
import { Refusal } from './refusal.js';
import { type FieldType, schemaOf, type StructSchema } from './schema.js';

/** What is in the place of a Value: a plain one, and how its paths begin in errors. */
export interface Rooted {
  readonly value: unknown;
  readonly root: string;
}

/** A Value that was written before, in a message of its own. */
export class Encoded {
  readonly chunks: readonly Uint8Array[];

  constructor(chunks: readonly Uint8Array[]) {
    this.chunks = chunks;
  }
}

/**
 * @param message fields by name, which the schema doesn't check: numbers that are safe integers, strings, booleans,
 *   arrays, objects of fields, and {@link Rooted} or {@link Encoded}; what is undefined is left out
 * @throws {Refusal} for strings; {UnsupportedValueError | ValueTooLargeError} for values
 */
export function writeMessage(
  struct: string,
  message: object,
  writer: BinaryWriter,
  values: ValueEncoder,
): void {
  writeStruct(schemaOf(struct), message as Readonly<Record<string, unknown>>, writer, values);
}

function writeStruct(
  schema: StructSchema,
  struct: Readonly<Record<string, unknown>>,
  writer: BinaryWriter,
  values: ValueEncoder,
): void {
  for (const { id, name, type } of schema.fields.values()) {
    const field = struct[name];
    if (field === undefined) continue;
    writer.field(type.wire, id);
    try {
      writeField(type, field, writer, values);
    } catch (error) {
      throw error instanceof Refusal ? error.at(name) : error;
    }
  }
  writer.stop();
}

function writeField(type: FieldType, field: unknown, writer: BinaryWriter, values: ValueEncoder): void {
  switch (type.kind) {
    case 'bool':
      writer.byte(field === true ? 1 : 0);
      break;
    case 'i32':
      writer.i32(field as number);
      break;
    case 'i64':
      writer.i64(field as number);
      break;
    case 'double':
      writer.double(field as number);
      break;
    case 'string':
      writer.text(field as string);
      break;
    case 'binary':
      writer.bytes(field as Uint8Array);
      break;
    case 'value': {
      if (field instanceof Encoded) {
        for (const chunk of field.chunks) writer.raw(chunk);
        break;
      }
      const { value, root } = field as Rooted;
      values.encode(value, root);
      break;
    }
    case 'struct':
      writeStruct(type.struct, field as Readonly<Record<string, unknown>>, writer, values);
      break;
    case 'list': {
      const { element } = type;
      const list = field as readonly unknown[];
      writer.list(element.wire, list.length);
      for (const item of list) writeField(element, item, writer, values);
      break;
    }
  }
}
