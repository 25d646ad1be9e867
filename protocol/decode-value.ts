/**
 * `union Value` to plain values, strictly: it accepts what encode-value.ts writes, and of other encodings of the same
 * values only numbers of the wrong kind (a double that could be an i64).
 *
 * SECURITY: the bytes may be hostile. Time is linear in their number, depth and number of values are limited, and no
 * value costs much more memory than its bytes (docs/protocol.md has the figures).
 */
import { ValueTooLargeError } from './errors.js';
import type { ValueLimits } from './limits.js';
import { Refusal, type Segment } from './refusal.js';
import type { StrictReader } from './strict-reader.js';
import type { PlainValue } from './value.js';
import * as wire from './wire.js';

/** The longest key that {@link ValueDecoder} looks up instead of reading it anew. */
const MAX_GUESSED_KEY = 32;
/** An object may have this many more slots for keys such as "7" than it has keys. */
const MAX_SLACK = 16;
/** The largest array index. */
const LAST_INDEX = 2 ** 32 - 2;

export class ValueDecoder {
  readonly #reader: StrictReader;
  readonly #limits: ValueLimits;
  readonly #ownsBytes: boolean;
  /** How many more values may come. */
  #left: number;
  #depth = 0;
  /**
   * For each depth, the keys of the object before this one. In a list of objects these are mostly the same, and
   * comparing bytes with them is faster than making a string of them, looking it up in V8's table, and checking that
   * it is new.
   */
  readonly #guesses: string[][] = [];

  /** @param ownsBytes whether the values may share memory with the bytes */
  constructor(reader: StrictReader, limits: ValueLimits, ownsBytes: boolean) {
    this.#reader = reader;
    this.#limits = limits;
    this.#ownsBytes = ownsBytes;
    this.#left = limits.maxElements;
  }

  /** Counts one value, or something else that costs as much as `values`. @throws {Refusal} if it is too much */
  charge(values = 1): void {
    this.#left -= values;
    if (this.#left < 0) {
      const max = this.#limits.maxElements;
      throw new Refusal((path) => new ValueTooLargeError(path, 'maxElements', max));
    }
  }

  /** @throws {Refusal} */
  decode(): PlainValue {
    this.charge();
    const reader = this.#reader;
    const start = reader.offset;
    const type = reader.byte();
    if (type === wire.STOP) {
      throw reader.bad('a value of no kind: no member of the union is set', start);
    }
    const value = this.#member(type, start);
    reader.stop();
    return value;
  }

  #member(type: number, start: number): PlainValue {
    const reader = this.#reader;
    const id = reader.fieldId();
    switch (id) {
      case wire.VALUE_NOTHING:
        reader.type(type, wire.STRUCT, start);
        reader.stop();
        return null;
      case wire.VALUE_FLAG:
        reader.type(type, wire.BOOL, start);
        return reader.bool();
      case wire.VALUE_INTEGER:
        reader.type(type, wire.I64, start);
        return reader.i64();
      case wire.VALUE_REAL:
        reader.type(type, wire.DOUBLE, start);
        return reader.double();
      case wire.VALUE_TEXT:
        reader.type(type, wire.STRING, start);
        return reader.text();
      case wire.VALUE_BYTES:
        reader.type(type, wire.STRING, start);
        return this.#bytes();
      case wire.VALUE_DATE:
        reader.type(type, wire.DOUBLE, start);
        return this.#date();
      case wire.VALUE_ITEMS:
        reader.type(type, wire.LIST, start);
        return this.#items();
      case wire.VALUE_FIELDS:
        reader.type(type, wire.LIST, start);
        return this.#fields();
      case wire.VALUE_ENTRIES:
        reader.type(type, wire.LIST, start);
        return this.#entries();
      default:
        throw reader.bad(`a value of unknown kind ${id}`, start);
    }
  }

  #bytes(): Uint8Array {
    const { bytes } = this.#reader;
    const start = this.#reader.chunk();
    const length = this.#reader.offset - start;
    const view = new Uint8Array(bytes.buffer, bytes.byteOffset + start, length);
    // A view keeps the whole message alive: one is given out only where that is at most twice the value.
    if (this.#ownsBytes && length > bytes.length / 2) {
      return view;
    }
    return view.slice();
  }

  #date(): Date {
    const ms = this.#reader.double();
    if (!Number.isNaN(ms) && !(Number.isInteger(ms) && Math.abs(ms) <= wire.MAX_DATE_MS)) {
      throw this.#reader.bad('a date that is none', this.#reader.offset - 8);
    }
    return new Date(ms);
  }

  #items(): PlainValue[] {
    const count = this.#enter();
    const items: PlainValue[] = [];
    try {
      for (let index = 0; index < count; index++) {
        items.push(this.decode());
      }
    } catch (error) {
      throw located(error, items.length);
    }
    this.#depth--;
    return items;
  }

  #fields(): PlainValue {
    const count = this.#enter();
    const guesses = this.#guesses[this.#depth] ?? [];
    const keys: string[] = [];
    // Whether all keys so far are those of the object before this one, and therefore differ from each other.
    let guessed = true;
    const object: Record<string, PlainValue> = {};
    let key = '';
    try {
      for (let index = 0; index < count; index++) {
        const start = this.#reader.offset;
        const guess = guesses[index];
        key = this.#key(guess);
        guessed &&= key === guess;
        if (!guessed && Object.hasOwn(object, key)) {
          throw this.#reader.bad('a key that came before', start);
        }
        keys.push(key);
        const value = this.#entryValue();
        if (key === '__proto__') {
          // Assigning would set the prototype.
          Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true });
        } else {
          const arrayIndex = toArrayIndex(key);
          if (arrayIndex > index + MAX_SLACK) {
            makeSparse(object);
          }
          object[key] = value;
        }
      }
    } catch (error) {
      throw located(error, key);
    }
    this.#guesses[this.#depth] = keys;
    this.#depth--;
    return object;
  }

  #entries(): Map<string, PlainValue> {
    const count = this.#enter();
    const map = new Map<string, PlainValue>();
    let key = '';
    try {
      for (let index = 0; index < count; index++) {
        const start = this.#reader.offset;
        key = this.#key(undefined);
        if (map.has(key)) {
          throw this.#reader.bad('a key that came before', start);
        }
        map.set(key, this.#entryValue());
      }
    } catch (error) {
      throw located(error, key);
    }
    this.#depth--;
    return map;
  }

  /** @param guess what the key may be */
  #key(guess: string | undefined): string {
    const reader = this.#reader;
    reader.field(wire.STRING, wire.ENTRY_KEY, 'key');
    if (guess !== undefined && guess.length <= MAX_GUESSED_KEY && reader.skipText(guess)) {
      return guess;
    }
    return reader.text();
  }

  #entryValue(): PlainValue {
    const reader = this.#reader;
    reader.field(wire.STRUCT, wire.ENTRY_VALUE, 'value');
    const value = this.decode();
    reader.stop();
    return value;
  }

  /** Begins a container. @returns how many elements come */
  #enter(): number {
    const { maxDepth, maxElements } = this.#limits;
    if (++this.#depth > maxDepth) {
      throw new Refusal((path) => new ValueTooLargeError(path, 'maxDepth', maxDepth));
    }
    const count = this.#reader.list(wire.STRUCT);
    if (count > this.#left) {
      throw new Refusal((path) => new ValueTooLargeError(path, 'maxElements', maxElements));
    }
    return count;
  }
}

/** @returns the number that a key is when objects keep it among their elements, or -1 */
function toArrayIndex(key: string): number {
  const first = key.charCodeAt(0);
  if (key.length > 10 || !(first >= 0x30 && first <= 0x39)) {
    return -1;
  }
  const index = Number(key);
  return Number.isInteger(index) && index <= LAST_INDEX && String(index) === key ? index : -1;
}

/**
 * SECURITY: makes an object keep its elements in a hash table. By default V8 keeps them in an array up to a gap of
 * 1,024: the ten bytes of the key "1023" would cost 12 KB, and a message of 10 MB would take 5 GB. An object that once
 * had an element with an index as large as this one doesn't get an array again.
 */
function makeSparse(object: Record<number, PlainValue>): void {
  if (!Object.hasOwn(object, LAST_INDEX)) {
    object[LAST_INDEX] = null;
    Reflect.deleteProperty(object, LAST_INDEX);
  }
}

function located(error: unknown, segment: Segment): unknown {
  return error instanceof Refusal ? error.at(segment) : error;
}
