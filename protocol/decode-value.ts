/**
 * `union Value` to plain values, strictly: it accepts what encode-value.ts writes, and of other encodings of the same
 * values only numbers of the wrong kind (a double that could be an i64).
 *
 * SECURITY: the bytes may be hostile. Time is linear in their number, depth and number of values are limited, and no
 * value costs much more memory than its bytes (docs/protocol.md has the figures).
 */
import { ValueTooLargeError } from './errors.js';
import type { ValueLimits } from './limits.js';
import { Refusal } from './refusal.js';
import type { Steps } from './steps.js';
import type { StrictReader } from './strict-reader.js';
import type { PlainValue } from './value.js';
import * as wire from './wire.js';

/** The longest key that {@link ValueDecoder} looks up instead of reading it anew. */
const MAX_GUESSED_KEY = 32;
/** An object may have this many more slots for keys such as "7" than it has keys. */
const MAX_SLACK = 16;
/** The largest array index. */
const LAST_INDEX = 2 ** 32 - 2;

/** After this much work others may have a turn. */
const STEP_VALUES = 500;
const STEP_BYTES = 256 * 1024;
/** From here on a text is read piece by piece. */
const LONG_TEXT = 1024 * 1024;

/** What has been read of a value: all of it, where it begins (a container), or where a long text begins. */
const WHOLE = 0;
const ENTERED = 1;
const TEXT_FOLLOWS = 2;
type Progress = typeof WHOLE | typeof ENTERED | typeof TEXT_FOLLOWS;

/** A container that is being read. There is one for each depth, used again. */
class Frame {
  value: PlainValue[] | Record<string, PlainValue> | Map<string, PlainValue> = [];
  count = 0;
  index = 0;
  key = '';
  keys: string[] = [];
  /**
   * The keys of the object before this one. In a list of objects these are mostly the same, and comparing bytes with them
   * is faster than making a string of them, looking it up in V8's table, and checking that it is new.
   */
  guesses: string[] = [];
  /** Whether all keys so far are those of the object before this one, and therefore differ from each other. */
  guessed = true;
}

export class ValueDecoder {
  readonly #reader: StrictReader;
  readonly #limits: ValueLimits;
  readonly #ownsBytes: boolean;
  /** How many more values may come. */
  #left: number;
  readonly #frames: Frame[] = [];
  #depth = 0;
  /** What was read last. */
  #value: PlainValue = null;

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

  /** Step by step: some hundred values at a time, or some hundred KB. @throws {Refusal} */
  *decode(): Steps<PlainValue> {
    const reader = this.#reader;
    let values = 0;
    let offset = reader.offset;
    try {
      for (let progress = this.#read(); ;) {
        if (progress === TEXT_FOLLOWS) {
          this.#value = yield* reader.longText();
        }
        if (progress !== ENTERED) {
          reader.stop();
          if (this.#depth === 0) {
            return this.#value;
          }
          this.#add(this.#frame(), this.#value);
        }
        const frame = this.#frame();
        if (frame.index < frame.count) {
          this.#readKey(frame);
          progress = this.#read();
        } else {
          this.#leave(frame);
          progress = WHOLE;
        }
        if (++values >= STEP_VALUES || reader.offset - offset >= STEP_BYTES) {
          values = 0;
          offset = reader.offset;
          yield;
        }
      }
    } catch (error) {
      throw this.#located(error);
    }
  }

  #frame(): Frame {
    return this.#frames[this.#depth - 1] ?? new Frame();
  }

  #read(): Progress {
    this.charge();
    const reader = this.#reader;
    const start = reader.offset;
    const type = reader.byte();
    if (type === wire.STOP) {
      throw reader.bad('a value of no kind: no member of the union is set', start);
    }
    const id = reader.fieldId();
    switch (id) {
      case wire.VALUE_NOTHING:
        reader.type(type, wire.STRUCT, start);
        reader.stop();
        this.#value = null;
        return WHOLE;
      case wire.VALUE_FLAG:
        reader.type(type, wire.BOOL, start);
        this.#value = reader.bool();
        return WHOLE;
      case wire.VALUE_INTEGER:
        reader.type(type, wire.I64, start);
        this.#value = reader.i64();
        return WHOLE;
      case wire.VALUE_REAL:
        reader.type(type, wire.DOUBLE, start);
        this.#value = reader.double();
        return WHOLE;
      case wire.VALUE_TEXT:
        reader.type(type, wire.STRING, start);
        if (reader.nextLength() > LONG_TEXT) {
          return TEXT_FOLLOWS;
        }
        this.#value = reader.text();
        return WHOLE;
      case wire.VALUE_BYTES:
        reader.type(type, wire.STRING, start);
        this.#value = this.#bytes();
        return WHOLE;
      case wire.VALUE_DATE:
        reader.type(type, wire.DOUBLE, start);
        this.#value = this.#date();
        return WHOLE;
      case wire.VALUE_ITEMS:
        reader.type(type, wire.LIST, start);
        this.#enter().value = [];
        return ENTERED;
      case wire.VALUE_FIELDS:
        reader.type(type, wire.LIST, start);
        this.#enter().value = {};
        return ENTERED;
      case wire.VALUE_ENTRIES:
        reader.type(type, wire.LIST, start);
        this.#enter().value = new Map();
        return ENTERED;
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

  /** Begins a container. */
  #enter(): Frame {
    const { maxDepth, maxElements } = this.#limits;
    if (this.#depth + 1 > maxDepth) {
      throw new Refusal((path) => new ValueTooLargeError(path, 'maxDepth', maxDepth));
    }
    const count = this.#reader.list(wire.STRUCT);
    if (count > this.#left) {
      throw new Refusal((path) => new ValueTooLargeError(path, 'maxElements', maxElements));
    }
    const frame = (this.#frames[this.#depth++] ??= new Frame());
    frame.count = count;
    frame.index = 0;
    frame.key = '';
    frame.keys = [];
    frame.guessed = true;
    return frame;
  }

  #leave(frame: Frame): void {
    this.#value = frame.value;
    if (!Array.isArray(frame.value) && !(frame.value instanceof Map)) {
      frame.guesses = frame.keys;
    }
    this.#depth--;
  }

  /** What comes before a value in a container. */
  #readKey(frame: Frame): void {
    const { value } = frame;
    if (Array.isArray(value)) return;
    const reader = this.#reader;
    const start = reader.offset;
    reader.field(wire.STRING, wire.ENTRY_KEY, 'key');
    if (value instanceof Map) {
      frame.key = reader.text();
      if (value.has(frame.key)) {
        throw reader.bad('a key that came before', start);
      }
    } else {
      const guess = frame.guesses[frame.index];
      const isGuess = guess !== undefined && guess.length <= MAX_GUESSED_KEY && reader.skipText(guess);
      frame.key = isGuess ? guess : reader.text();
      frame.guessed &&= frame.key === guess;
      if (!frame.guessed && Object.hasOwn(value, frame.key)) {
        throw reader.bad('a key that came before', start);
      }
      frame.keys.push(frame.key);
    }
    reader.field(wire.STRUCT, wire.ENTRY_VALUE, 'value');
  }

  /** Puts a value into its container, and moves past what comes after it. */
  #add(frame: Frame, value: PlainValue): void {
    const { value: container, key } = frame;
    if (Array.isArray(container)) {
      container.push(value);
      frame.index++;
      return;
    }
    this.#reader.stop();
    if (container instanceof Map) {
      container.set(key, value);
    } else if (key === '__proto__') {
      // Assigning would set the prototype.
      Object.defineProperty(container, key, { value, writable: true, enumerable: true, configurable: true });
    } else {
      if (toArrayIndex(key) > frame.index + MAX_SLACK) {
        makeSparse(container);
      }
      container[key] = value;
    }
    frame.index++;
  }

  #located(error: unknown): unknown {
    if (!(error instanceof Refusal)) return error;
    for (const { value, key } of this.#frames.slice(0, this.#depth).reverse()) {
      error.at(Array.isArray(value) ? value.length : key);
    }
    return error;
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
