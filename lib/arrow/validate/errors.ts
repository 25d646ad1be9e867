import { NodespawnerError } from '../../errors.js';

/**
 * Why a table was refused. The codes are part of the API: match them, not the message.
 *
 * | code | what is wrong |
 * | --- | --- |
 * | `truncated` | the bytes end before a structure that they announce |
 * | `magic` | a file without `ARROW1` at its start or end |
 * | `framing` | continuation marker, metadata length, padding or alignment of a message |
 * | `flatbuffer` | vtable, offset, vector, string or alignment inside the metadata |
 * | `version` | metadata version other than V4 and V5, or not the same everywhere |
 * | `endianness` | big-endian data |
 * | `message` | a message of the wrong kind, or at the wrong place |
 * | `end-of-stream` | no end-of-stream marker: the stream may have been cut on a message border |
 * | `trailing-bytes` | bytes after the end |
 * | `footer` | the footer and its list of blocks don't match the messages |
 * | `schema` | a type's parameters, its children, the two schemas of a file |
 * | `name` | a column name that is not UTF-8 or occurs twice |
 * | `batch` | the number of field nodes, buffers or variadic counts, or the lengths of columns |
 * | `null-count` | the null count and the validity bitmap disagree |
 * | `buffer` | a buffer outside the body, overlapping, misaligned, or too short for the length claimed |
 * | `offsets` | offsets that go backwards or outside the values |
 * | `utf8` | a string that is not UTF-8 |
 * | `view` | a view that points outside its buffers, or whose prefix or padding is wrong |
 * | `union` | a type id or an offset of a union |
 * | `dictionary` | an unknown id, an index out of range, a delta or a replacement where none may be |
 * | `value` | a time, date, timestamp or decimal outside the range of its type |
 * | `limit` | a limit of {@link ArrowLimits} |
 * | `unsupported` | well-formed as far as was looked at, but apache-arrow reads it wrong or not at all |
 */
export type ArrowReason =
  | 'truncated'
  | 'magic'
  | 'framing'
  | 'flatbuffer'
  | 'version'
  | 'endianness'
  | 'message'
  | 'end-of-stream'
  | 'trailing-bytes'
  | 'footer'
  | 'schema'
  | 'name'
  | 'batch'
  | 'null-count'
  | 'buffer'
  | 'offsets'
  | 'utf8'
  | 'view'
  | 'union'
  | 'dictionary'
  | 'value'
  | 'limit'
  | 'unsupported';

/** The bytes are no Arrow table, or none that may be read safely. Its `code` is `ERR_INVALID_ARROW`. */
export class InvalidArrowError extends NodespawnerError {
  /** What is wrong, as a stable code. */
  readonly reason: ArrowReason;
  /** Offset in the bytes of the thing that is wrong. */
  readonly offset: number;
  /** Where in the table it is, such as `batches[2]."name"`; empty if it is not in a column. */
  readonly path: string;

  constructor(reason: ArrowReason, message: string, offset: number, path = '') {
    super('ERR_INVALID_ARROW', `${message} (${path === '' ? '' : `${path}, `}byte ${offset})`);
    this.reason = reason;
    this.offset = offset;
    this.path = path;
  }
}

export function fail(reason: ArrowReason, message: string, offset: number, path?: string): never {
  throw new InvalidArrowError(reason, message, offset, path);
}
