/**
 * The errors of this package that both sides need. lib/errors.ts re-exports them and adds the host's own: match
 * `code`, which is stable, and not the message.
 */

export class NodespawnerError extends Error {
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }
}

/** A value has something in it that can't be sent: `ERR_UNSUPPORTED_VALUE`. */
export class UnsupportedValueError extends NodespawnerError {
  declare readonly code: 'ERR_UNSUPPORTED_VALUE';
  /** Where it is, such as `params.filters[3].fn`. */
  readonly path: string;
  readonly reason: string;

  constructor(path: string, reason: string, options?: ErrorOptions) {
    super('ERR_UNSUPPORTED_VALUE', `${path} can't be sent: ${reason}`, options);
    this.path = path;
    this.reason = reason;
  }
}

/** A value or a message exceeds one of {@link ValueLimits}: `ERR_VALUE_TOO_LARGE`. */
export class ValueTooLargeError extends NodespawnerError {
  declare readonly code: 'ERR_VALUE_TOO_LARGE';
  readonly path: string;
  /** The name of the limit: `maxBytes`, `maxDepth` or `maxElements`. */
  readonly limit: string;
  /** What the limit is set to. */
  readonly max: number;

  constructor(path: string, limit: string, max: number) {
    super('ERR_VALUE_TOO_LARGE', `${path} exceeds ${limit}, which is ${max}`);
    this.path = path;
    this.limit = limit;
    this.max = max;
  }
}

/** Bytes are not a message of protocol.thrift: `ERR_BAD_MESSAGE`. */
export class BadMessageError extends NodespawnerError {
  declare readonly code: 'ERR_BAD_MESSAGE';
  /** The field that was being read, such as `result.outcome.returned.tables[0].name`. */
  readonly path: string;
  /** Where in the bytes. */
  readonly offset: number;
  readonly reason: string;

  constructor(path: string, offset: number, reason: string) {
    super('ERR_BAD_MESSAGE', `Bad message: ${reason} (${path}, at byte ${offset})`);
    this.path = path;
    this.offset = offset;
    this.reason = reason;
  }
}
