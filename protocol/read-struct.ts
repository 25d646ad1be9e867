/**
 * Reads structs and unions by their schema, strictly: the fields come in the order of their ids, as the generated code
 * writes them, each at most once, and none that the schema doesn't have.
 */
import { ValueDecoder } from './decode-value.js';
import { MAX_CAUSES, MAX_ERROR_BYTES, type ValueLimits } from './limits.js';
import { Refusal, type Segment } from './refusal.js';
import { type FieldType, schemaOf, type StructSchema } from './schema.js';
import type { Steps } from './steps.js';
import { StrictReader } from './strict-reader.js';
import * as wire from './wire.js';

/** Fields by name. What is in it is what the schema says. */
export type RawStruct = Record<string, unknown>;

/** Reads bytes that are one struct, from the first to the last, step by step. @throws {Refusal} */
export function* readMessage(
  struct: string,
  bytes: Uint8Array,
  limits: ValueLimits,
  ownsBytes: boolean,
): Steps<RawStruct> {
  const reader = new StrictReader(bytes, limits.maxBytes);
  const message = yield* readStruct(schemaOf(struct), reader, new ValueDecoder(reader, limits, ownsBytes));
  reader.end();
  return message;
}

function* readStruct(schema: StructSchema, reader: StrictReader, values: ValueDecoder): Steps<RawStruct> {
  const struct: RawStruct = {};
  const isClipped = CLIPPED.has(schema.name);
  const start = reader.offset;
  let missing = schema.required.size;
  let last = 0;
  let count = 0;
  for (;;) {
    const fieldStart = reader.offset;
    const type = reader.byte();
    if (type === wire.STOP) {
      break;
    }
    const id = reader.fieldId();
    const field = schema.fields.get(id);
    if (field === undefined) {
      throw reader.bad(`unknown field ${id}`, fieldStart);
    }
    if (id <= last) {
      throw reader.bad(`field ${id} again, or too late`, fieldStart).at(field.name);
    }
    last = id;
    count++;
    if (schema.required.has(id)) {
      missing--;
    }
    try {
      reader.type(type, field.type.wire, fieldStart);
      struct[field.name] = isContainer(field.type)
        ? yield* readContainer(field.type, reader, values)
        : readPlain(field.type.kind, reader, isClipped);
    } catch (error) {
      throw located(error, field.name);
    }
  }
  if (schema.isUnion && count !== 1) {
    throw reader.bad(`${count} members of a union are set, and not one`, start);
  }
  if (missing > 0) {
    const names = [...schema.required].map((id) => schema.fields.get(id)?.name ?? '');
    throw reader.bad(`missing: ${names.filter((name) => !Object.hasOwn(struct, name)).join(', ')}`, start);
  }
  return struct;
}

type Container = Extract<FieldType, { kind: 'value' | 'struct' | 'list' }>;

function isContainer(type: FieldType): type is Container {
  return type.kind === 'value' || type.kind === 'struct' || type.kind === 'list';
}

/** What is not a container is read in no steps: a generator for each number would take as long again. */
function readPlain(
  kind: Exclude<FieldType, Container>['kind'],
  reader: StrictReader,
  isClipped: boolean,
): unknown {
  switch (kind) {
    case 'bool':
      return reader.bool();
    case 'i32':
      return natural(reader.i32(), 4, reader);
    case 'i64':
      return natural(reader.i64(), 8, reader);
    case 'double':
      return reader.double();
    case 'string':
      return isClipped ? reader.clippedText(MAX_ERROR_BYTES) : reader.text();
    case 'binary': {
      const start = reader.chunk();
      const { buffer, byteOffset } = reader.bytes;
      // A copy, and so where typed arrays of any kind can be laid over it.
      return new Uint8Array(buffer, byteOffset + start, reader.offset - start).slice();
    }
  }
}

function* readContainer(type: Container, reader: StrictReader, values: ValueDecoder): Steps<unknown> {
  switch (type.kind) {
    case 'value':
      return yield* values.decode();
    case 'struct':
      return yield* readStruct(type.struct, reader, values);
    case 'list':
      return yield* readList(type.element, reader, values);
  }
}

/** Structs that are texts for people to read: longer than this, they are cut, and a mark says so. */
const CLIPPED: ReadonlySet<string> = new Set(['ErrorText', 'BadReturn']);

/** What a struct in a list counts as, since it takes so much longer to read than a number. */
const STRUCT_VALUES = 50;

function* readList(element: FieldType, reader: StrictReader, values: ValueDecoder): Steps<unknown[]> {
  const start = reader.offset;
  const count = reader.list(element.wire);
  // The only list of errors that there is.
  if (element.kind === 'struct' && element.struct.name === 'ErrorText' && count > MAX_CAUSES) {
    throw reader.bad(`${count} causes, and at most ${MAX_CAUSES} are sent`, start);
  }
  const list: unknown[] = [];
  try {
    for (let index = 0; index < count; index++) {
      // Elements cost memory whatever they are, and so come out of the same budget.
      values.charge(element.kind === 'struct' ? STRUCT_VALUES : 1);
      list.push(
        isContainer(element)
          ? yield* readContainer(element, reader, values)
          : readPlain(element.kind, reader, false),
      );
      if (element.kind === 'struct') yield;
    }
  } catch (error) {
    throw located(error, list.length);
  }
  return list;
}

/** All numbers in the structs of this protocol are sizes, offsets and indices. */
function natural(value: number | bigint, bytes: number, reader: StrictReader): number {
  if (typeof value === 'bigint' || value < 0) {
    throw reader.bad(`${value} is no size, offset or index`, reader.offset - bytes);
  }
  return value;
}

function located(error: unknown, segment: Segment): unknown {
  return error instanceof Refusal ? error.at(segment) : error;
}
