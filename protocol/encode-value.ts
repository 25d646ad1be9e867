/**
 * Plain values to `union Value`.
 *
 * SECURITY: the value may be a trap: a proxy, or an object with getters that change it while it is read. Every
 * property is therefore read once, and what was read is what is checked and written; lengths and lists of keys are
 * taken before their contents. A trap can choose what is sent, and can't make the bytes malformed or endless.
 */
import { types } from 'node:util';
import type { BinaryWriter } from './binary-writer.js';
import { UnsupportedValueError, ValueTooLargeError } from './errors.js';
import type { ValueLimits } from './limits.js';
import { Refusal, type Segment } from './refusal.js';
import * as wire from './wire.js';

const objectPrototype = Object.prototype;
const arrayPrototype = Array.prototype;
const getPrototypeOf = Object.getPrototypeOf as (value: object) => object | null;

const MIN_I64 = -(2n ** 63n);
const MAX_I64 = 2n ** 63n - 1n;

export class ValueEncoder {
  readonly #writer: BinaryWriter;
  readonly #limits: ValueLimits;
  /** How many more values may come. One encoder writes all values of a message, which share the limit. */
  #left: number;
  /** The containers that are being written, outermost first. */
  readonly #ancestors: object[] = [];

  constructor(writer: BinaryWriter, limits: ValueLimits) {
    this.#writer = writer;
    this.#limits = limits;
    this.#left = limits.maxElements;
  }

  /**
   * @param root how paths begin in errors
   * @throws {UnsupportedValueError | ValueTooLargeError}
   */
  encode(value: unknown, root: string): void {
    try {
      // What a function that returns nothing returns.
      this.#value(value === undefined ? null : value);
    } catch (error) {
      throw error instanceof Refusal ? error.toError(root) : threwWhileRead(error).toError(root);
    }
  }

  #value(value: unknown): void {
    const writer = this.#writer;
    if (--this.#left < 0) {
      const max = this.#limits.maxElements;
      throw new Refusal((path) => new ValueTooLargeError(path, 'maxElements', max));
    }
    switch (typeof value) {
      case 'string':
        writer.field(wire.STRING, wire.VALUE_TEXT);
        writer.text(value);
        break;
      case 'number':
        this.#number(value);
        break;
      case 'boolean':
        writer.field(wire.BOOL, wire.VALUE_FLAG);
        writer.byte(value ? 1 : 0);
        break;
      case 'bigint':
        if (value < MIN_I64 || value > MAX_I64) {
          throw unsupported('a bigint of more than 64 bits');
        }
        writer.field(wire.I64, wire.VALUE_INTEGER);
        writer.bigI64(value);
        break;
      case 'object':
        if (value === null) {
          writer.field(wire.STRUCT, wire.VALUE_NOTHING);
          writer.stop();
        } else {
          this.#object(value);
        }
        break;
      case 'undefined':
        throw unsupported('undefined; leave the property out, or use null');
      default:
        throw unsupported(`a ${typeof value}`);
    }
    writer.stop();
  }

  #number(value: number): void {
    if (Number.isSafeInteger(value) && !Object.is(value, -0)) {
      this.#writer.field(wire.I64, wire.VALUE_INTEGER);
      this.#writer.i64(value);
    } else {
      this.#writer.field(wire.DOUBLE, wire.VALUE_REAL);
      this.#writer.double(value);
    }
  }

  #object(value: object): void {
    const prototype = getPrototypeOf(value);
    if (prototype === objectPrototype || prototype === null) {
      this.#fields(value);
    } else if (Array.isArray(value)) {
      if (prototype !== arrayPrototype && !isBuiltIn(prototype)) {
        throw unsupportedInstance(prototype);
      }
      this.#items(value);
    } else if (types.isUint8Array(value)) {
      this.#writer.field(wire.STRING, wire.VALUE_BYTES);
      this.#writer.bytes(value);
    } else if (types.isDate(value) && isBuiltIn(prototype)) {
      this.#writer.field(wire.DOUBLE, wire.VALUE_DATE);
      // Not `value.getTime()`, which an own property can hide.
      this.#writer.double(Date.prototype.getTime.call(value));
    } else if (types.isMap(value) && isBuiltIn(prototype)) {
      this.#entries(value);
    } else if (isForeignObjectPrototype(prototype)) {
      this.#fields(value);
    } else {
      throw unsupportedInstance(prototype);
    }
  }

  #items(array: readonly unknown[]): void {
    const length: unknown = array.length;
    if (!isLength(length)) {
      throw unsupported('an array whose length is not one');
    }
    this.#enter(array, length);
    this.#writer.field(wire.LIST, wire.VALUE_ITEMS);
    this.#writer.list(wire.STRUCT, length);
    let index = 0;
    try {
      for (; index < length; index++) {
        this.#value(array[index]);
      }
    } catch (error) {
      throw located(error, index);
    }
    this.#ancestors.pop();
  }

  #fields(object: object): void {
    const keys = Object.keys(object);
    this.#enter(object, keys.length);
    for (const symbol of Object.getOwnPropertySymbols(object)) {
      if (Object.prototype.propertyIsEnumerable.call(object, symbol)) {
        throw unsupported('an object with a property whose name is a symbol').at(symbol.toString());
      }
    }
    this.#writer.field(wire.LIST, wire.VALUE_FIELDS);
    this.#writer.list(wire.STRUCT, keys.length);
    let key = '';
    try {
      for (key of keys) {
        this.#entry(key, (object as Record<string, unknown>)[key]);
      }
    } catch (error) {
      throw located(error, key);
    }
    this.#ancestors.pop();
  }

  #entries(map: Map<unknown, unknown>): void {
    const entries = [...Map.prototype.entries.call(map)] as [unknown, unknown][];
    this.#enter(map, entries.length);
    this.#writer.field(wire.LIST, wire.VALUE_ENTRIES);
    this.#writer.list(wire.STRUCT, entries.length);
    let key: unknown;
    let value: unknown;
    try {
      for ([key, value] of entries) {
        if (typeof key !== 'string') {
          throw unsupported(`a Map with a key that is a ${typeof key}, and not a string`);
        }
        this.#entry(key, value);
      }
    } catch (error) {
      throw typeof key === 'string' ? located(error, key) : error;
    }
    this.#ancestors.pop();
  }

  #entry(key: string, value: unknown): void {
    const writer = this.#writer;
    writer.field(wire.STRING, wire.ENTRY_KEY);
    writer.text(key);
    writer.field(wire.STRUCT, wire.ENTRY_VALUE);
    this.#value(value);
    writer.stop();
  }

  #enter(container: object, size: number): void {
    const { maxDepth, maxElements } = this.#limits;
    if (this.#ancestors.includes(container)) {
      throw unsupported('a cycle');
    }
    if (this.#ancestors.push(container) > maxDepth) {
      throw new Refusal((path) => new ValueTooLargeError(path, 'maxDepth', maxDepth));
    }
    if (size > this.#left) {
      throw new Refusal((path) => new ValueTooLargeError(path, 'maxElements', maxElements));
    }
  }
}

/** Says where in its container an error happened. */
function located(error: unknown, segment: Segment): Refusal {
  return (error instanceof Refusal ? error : threwWhileRead(error)).at(segment);
}

/** What a getter or a proxy threw. */
function threwWhileRead(error: unknown): Refusal {
  return new Refusal((path) => new UnsupportedValueError(path, 'reading it threw', { cause: error }));
}

/** A proxy of an array can call anything its length. */
function isLength(length: unknown): length is number {
  return Number.isInteger(length) && (length as number) >= 0;
}

function unsupported(reason: string): Refusal {
  return new Refusal((path) => new UnsupportedValueError(path, reason));
}

function unsupportedInstance(prototype: object): Refusal {
  let name: unknown;
  try {
    name = (prototype.constructor as { name?: unknown } | undefined)?.name;
  } catch {
    // A proxy or a getter that throws. The name is only for the message.
  }
  if (typeof name !== 'string' || name === '') {
    return unsupported('an instance of a class');
  }
  if (prototype === Promise.prototype) return unsupported('a Promise; await it');
  return unsupported(`an instance of ${name.slice(0, 64)}`);
}

/**
 * Whether the prototype of an array, a Date or a Map is the built-in one, of whichever realm: it inherits from
 * Object.prototype directly, which the prototype of a subclass doesn't.
 */
function isBuiltIn(prototype: object): boolean {
  const parent = getPrototypeOf(prototype);
  return parent !== null && getPrototypeOf(parent) === null;
}

/** Whether this is the Object.prototype of another realm, such as a vm context. */
function isForeignObjectPrototype(prototype: object): boolean {
  return getPrototypeOf(prototype) === null && Object.hasOwn(prototype, 'isPrototypeOf');
}
