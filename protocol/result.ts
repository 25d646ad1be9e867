/** What a child answers: `struct Result` of protocol.thrift. */
import { toUSVString } from 'node:util';
import { BinaryWriter } from './binary-writer.js';
import { ValueEncoder } from './encode-value.js';
import { BadMessageError, UnsupportedValueError, ValueTooLargeError } from './errors.js';
import { MAX_CAUSES, MAX_ERROR_TEXT, type ValueLimits, withDefaults } from './limits.js';
import { readMessage } from './read-struct.js';
import { Refusal, withPaths } from './refusal.js';
import { allSteps, type Steps } from './steps.js';
import type { PlainValue } from './value.js';
import { type Rooted, writeMessage } from './write-struct.js';

/** An Arrow IPC file or stream: a range of the output memfd. Whether the memfd has such a range, nobody has checked. */
export interface OutputTable {
  readonly name: string;
  readonly offset: number;
  readonly length: number;
}

/** What is left of an error when it leaves its process. */
export interface ErrorText {
  readonly name: string;
  readonly message: string;
  readonly stack?: string;
  readonly code?: string;
}

export interface Threw {
  readonly kind: 'threw';
  readonly error: ErrorText;
  /** `error.cause`, its cause, and so on. */
  readonly causes: readonly ErrorText[];
}

export interface Returned<Value = PlainValue> {
  readonly kind: 'returned';
  readonly value: Value;
  /** No two have the same name. */
  readonly tables: readonly OutputTable[];
}

/** The function returned something that can't be sent. */
export interface BadReturn {
  readonly kind: 'badReturn';
  /** The code of the error, such as `ERR_UNSUPPORTED_VALUE`. */
  readonly code: string;
  /** Where in the value, such as `value.rows[3].parse`. */
  readonly path: string;
  readonly reason: string;
  /** With `ERR_VALUE_TOO_LARGE`: the limit that the value exceeds, such as `maxDepth`. */
  readonly limit?: string;
}

/** V8 found no more memory for the heap. */
export interface OutOfMemory {
  readonly kind: 'outOfMemory';
}

/** `Value` is `unknown` for one who encodes, and {@link PlainValue} for one who decodes. */
export type Outcome<Value = PlainValue> = Returned<Value> | Threw | BadReturn | OutOfMemory;

/**
 * @param limits what the host will accept
 * @throws {UnsupportedValueError | ValueTooLargeError} if something returned can't be sent, with a path that begins
 *   with `value`; {@link toBadReturn} makes an outcome of it. What was thrown is cut to fit.
 */
export function encodeResult(outcome: Outcome<unknown>, limits?: Partial<ValueLimits>): Buffer[] {
  const all = withDefaults(limits);
  return withPaths('result', () => {
    const writer = new BinaryWriter(all.maxBytes);
    const result: RawResult<Rooted> = { outcome: toRaw(outcome, all.maxBytes) };
    writeMessage('Result', result, writer, new ValueEncoder(writer, all));
    return writer.finish();
  });
}

/** What to answer when {@link encodeResult} threw. @returns undefined if the error is of another kind */
export function toBadReturn(error: unknown): BadReturn | undefined {
  if (error instanceof UnsupportedValueError) {
    return { kind: 'badReturn', code: error.code, path: error.path, reason: error.reason };
  }
  if (error instanceof ValueTooLargeError) {
    return {
      kind: 'badReturn',
      code: error.code,
      path: error.path,
      reason: `exceeds ${error.limit}, which is ${error.max}`,
      limit: error.limit,
    };
  }
  return undefined;
}

/** `struct Result`, as the writer takes it and the strict reader gives it. */
interface RawResult<Value> {
  readonly outcome:
    | { readonly returned: { readonly value: Value; readonly tables: readonly OutputTable[] } }
    | { readonly threw: Omit<Threw, 'kind'> }
    | { readonly badReturn: Omit<BadReturn, 'kind'> }
    | { readonly outOfMemory: object };
}

function toRaw(outcome: Outcome<unknown>, maxBytes: number): RawResult<Rooted>['outcome'] {
  switch (outcome.kind) {
    case 'returned':
      return { returned: { value: { value: outcome.value, root: 'value' }, tables: outcome.tables } };
    case 'threw': {
      const causes = outcome.causes.slice(0, MAX_CAUSES);
      // Four texts for each error, of three bytes a character.
      const length = Math.min(MAX_ERROR_TEXT, Math.floor(maxBytes / (16 * (causes.length + 1))));
      const toText = (error: ErrorText): ErrorText => toErrorText(error, length);
      return { threw: { error: toText(outcome.error), causes: causes.map(toText) } };
    }
    case 'badReturn': {
      const { code, path, reason, limit } = outcome;
      const cut = { code, path: clip(path), reason: clip(reason) };
      return { badReturn: limit === undefined ? cut : { ...cut, limit } };
    }
    case 'outOfMemory':
      return { outOfMemory: {} };
  }
}

function toErrorText(error: ErrorText, length: number): ErrorText {
  const { name, message, stack, code } = error;
  return {
    name: clip(name, length),
    message: clip(message, length),
    ...(stack !== undefined && { stack: clip(stack, length) }),
    ...(code !== undefined && { code: clip(code, length) }),
  };
}

/** Cuts a text, and mends what UTF-8 has no bytes for: for a human to read that is better than nothing. */
function clip(text: string, length: number = MAX_ERROR_TEXT): string {
  const cut = text.length > length ? `${text.slice(0, length)}…` : text;
  return toUSVString(cut);
}

/**
 * Reads what a child wrote, whatever it is.
 *
 * SECURITY: the outcome is made of plain values and has the right shape, and its numbers are safe integers. What they
 * say, and what the texts say, is still the child's word.
 *
 * @param ownsBytes whether a Uint8Array in the value may be a view of the bytes
 * @throws {BadMessageError} if the child wrote something else than a result
 * @throws {ValueTooLargeError} if it wrote more than the limits allow
 */
export function decodeResult(
  bytes: Uint8Array,
  limits?: Partial<ValueLimits>,
  options?: { ownsBytes?: boolean },
): Outcome {
  return allSteps(decodeResultInSteps(bytes, limits, options));
}

/** As {@link decodeResult}, so that others can have a turn in between. */
export function* decodeResultInSteps(
  bytes: Uint8Array,
  limits?: Partial<ValueLimits>,
  { ownsBytes = false }: { ownsBytes?: boolean } = {},
): Steps<Outcome> {
  try {
    const raw = yield* readMessage('Result', bytes, withDefaults(limits), ownsBytes);
    const { outcome } = raw as unknown as RawResult<PlainValue>;
    if ('returned' in outcome) {
      checkNames(outcome.returned.tables, bytes.byteLength);
      return { kind: 'returned', ...outcome.returned };
    }
    if ('threw' in outcome) {
      return { kind: 'threw', ...outcome.threw };
    }
    if ('badReturn' in outcome) {
      return { kind: 'badReturn', ...outcome.badReturn };
    }
    return { kind: 'outOfMemory' };
  } catch (error) {
    throw error instanceof Refusal ? error.toError('result') : error;
  }
}

function checkNames(tables: readonly OutputTable[], offset: number): void {
  const names = new Set<string>();
  for (const [index, { name }] of tables.entries()) {
    if (names.has(name)) {
      throw new BadMessageError(
        `result.outcome.returned.tables[${index}].name`,
        offset,
        'the name of another table',
      );
    }
    names.add(name);
  }
}
