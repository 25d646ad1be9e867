import { InvalidOptionError } from '../errors.js';
import { hasUnion } from './validate/batches.js';
import { fail } from './validate/errors.js';
import { isFile, validateFile } from './validate/file.js';
import { MetadataBudget, resolveLimits, type ArrowLimits } from './validate/limits.js';
import { validateStream } from './validate/stream.js';

export { InvalidArrowError, type ArrowReason } from './validate/errors.js';
export { DEFAULT_ARROW_LIMITS, type ArrowLimits } from './validate/limits.js';

/** What {@link validateArrow} found. */
export interface ArrowSummary {
  readonly format: 'file' | 'stream';
  /** Columns of the table, without nested ones. */
  readonly numColumns: number;
  readonly numRows: number;
  /** Record batches. */
  readonly numBatches: number;
  /** Dictionary batches, deltas and replacements included. */
  readonly numDictionaries: number;
  /** The size of the input. */
  readonly bytes: number;
}

/**
 * Checks an Arrow IPC file or stream completely: every structure, every offset, every string. What passes can be read
 * by apache-arrow, each value of each row, without an error, without an end to the patience, and without a value
 * that isn't in the bytes.
 *
 * Takes time linear in the bytes, and memory that no number in them has a say in. The bytes must not change
 * meanwhile or afterwards: seal them, or take a copy.
 *
 * @param bytes The whole file or stream.
 * @param limits What to accept at most; see {@link DEFAULT_ARROW_LIMITS}.
 * @throws {InvalidArrowError} `ERR_INVALID_ARROW`, with `reason`, `offset` and `path`.
 * @throws {InvalidOptionError} `ERR_INVALID_OPTION`, if an argument is not what it should be.
 */
export function validateArrow(bytes: Uint8Array, limits?: Partial<ArrowLimits>): ArrowSummary {
  if (!(bytes instanceof Uint8Array)) throw new InvalidOptionError('bytes', 'a Uint8Array', bytes);
  // Typed arrays can only be laid over memory at multiples of their width.
  const aligned = bytes.byteOffset % 8 === 0 ? bytes : new Uint8Array(bytes);
  const view = new DataView(aligned.buffer, aligned.byteOffset, aligned.byteLength);
  const resolved = resolveLimits(limits);
  const input = {
    bytes: aligned,
    view,
    limits: resolved,
    metadata: new MetadataBudget(resolved, isFile(aligned)),
  };
  const format = isFile(aligned) ? 'file' : 'stream';
  const { schema, batches } = format === 'file' ? validateFile(input) : validateStream(input);
  if (bytes.byteOffset % 4 !== 0 && hasUnion(schema.fields)) {
    fail(
      'unsupported',
      'apache-arrow reads unions only from bytes that start at a multiple of four in memory',
      0,
    );
  }
  const { numRows, numBatches, numDictionaries } = batches;
  return {
    format,
    numColumns: schema.fields.length,
    numRows,
    numBatches,
    numDictionaries,
    bytes: bytes.byteLength,
  };
}
