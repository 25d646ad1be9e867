import { InvalidOptionError } from '../../errors.js';
import { fail } from './errors.js';

/** What {@link validateArrow} accepts at most. */
export interface ArrowLimits {
  /** Rows in all record batches together. @default 2147483647 */
  maxRows: number;
  /** Columns, nested ones counted too. @default 10000 */
  maxColumns: number;
  /** Record batches. @default 100000 */
  maxBatches: number;
  /**
   * Arrays that the table is made of: each record or dictionary batch is one, and in each batch each column, nested ones
   * counted too. apache-arrow makes objects of 1 KB and more for each. This many are accepted, and one more for each KiB
   * of input. @default 32768
   */
  maxChunks: number;
  /** Dictionary batches. @default 100000 */
  maxDictionaries: number;
  /** How deep types may be nested. @default 64 */
  maxDepth: number;
  /**
   * Bytes of metadata of one message or of the footer: schema, names, custom metadata, lists of buffers. Of the whole input,
   * names and other text of metadata may be twice as much, counted as often as they are referred to. @default 16777216
   */
  maxMetadataBytes: number;
  /** Pairs of custom metadata, of the schema, its fields, the footer and all messages together. @default 65536 */
  maxMetadataEntries: number;
  /**
   * Bytes of the names of all columns, nested ones too, and of the keys of all custom metadata; twice as much in a file,
   * which may have its schema twice. apache-arrow compares each with all others. @default 1048576
   */
  maxNameBytes: number;
  /**
   * Work that reading costs without any bytes behind it, counted in values: rows of null columns and of values of
   * no width, values of a dictionary or a view that several rows share. This many are accepted, and eight more for
   * each byte of input (as many as there are booleans in a byte). @default 16777216
   */
  maxVirtualValues: number;
}

/** The limits that {@link validateArrow} uses when the caller gives none. */
export const DEFAULT_ARROW_LIMITS: Readonly<ArrowLimits> = Object.freeze({
  maxRows: 2 ** 31 - 1,
  maxColumns: 10_000,
  maxBatches: 100_000,
  maxChunks: 2 ** 15,
  maxDictionaries: 100_000,
  maxDepth: 64,
  maxMetadataBytes: 2 ** 24,
  maxMetadataEntries: 2 ** 16,
  maxNameBytes: 2 ** 20,
  maxVirtualValues: 2 ** 24,
});

/** apache-arrow computes bit positions with 32-bit operators, so longer arrays are read wrong. The format's own advice. */
export const MAX_ARRAY_LENGTH = 2 ** 31 - 1;

export function resolveLimits(given: Partial<ArrowLimits> = {}): ArrowLimits {
  const limits: ArrowLimits = { ...DEFAULT_ARROW_LIMITS };
  for (const name of Object.keys(DEFAULT_ARROW_LIMITS) as (keyof ArrowLimits)[]) {
    const value = given[name];
    if (value === undefined) continue;
    if (!Number.isSafeInteger(value) || value < 0) {
      throw new InvalidOptionError(`limits.${name}`, 'an integer of 0 or more', value);
    }
    limits[name] = value;
  }
  // A table's row offsets are 32-bit numbers in apache-arrow.
  limits.maxRows = Math.min(limits.maxRows, 2 ** 32 - 1);
  // The validator and apache-arrow recurse over nested types.
  limits.maxDepth = Math.min(limits.maxDepth, 256);
  return limits;
}

/**
 * Counts what of the metadata apache-arrow makes strings and objects of, and keeps as long as the table is kept.
 *
 * SECURITY: all of it may be one string that is referred to over and over, in each message anew.
 */
export class MetadataBudget {
  #bytesLeft: number;
  #entriesLeft: number;
  #namesLeft: number;

  constructor({ maxMetadataBytes, maxMetadataEntries, maxNameBytes }: ArrowLimits, isFile: boolean) {
    // In a file the schema may be there twice.
    this.#bytesLeft = 2 * maxMetadataBytes;
    this.#entriesLeft = maxMetadataEntries;
    this.#namesLeft = (isFile ? 2 : 1) * maxNameBytes;
  }

  chargeText(bytes: number, offset: number): void {
    this.#bytesLeft -= bytes;
    if (this.#bytesLeft < 0) fail('limit', 'More text in metadata than maxMetadataBytes allows', offset);
  }

  /** SECURITY: compared with each other one, so that long ones that differ at their ends cost their number squared. */
  chargeName(bytes: number, offset: number): void {
    this.#namesLeft -= bytes;
    if (this.#namesLeft < 0)
      fail('limit', 'Longer names of columns and metadata than maxNameBytes allows', offset);
  }

  chargeEntry(offset: number): void {
    if (--this.#entriesLeft < 0) fail('limit', 'More custom metadata than maxMetadataEntries', offset);
  }
}

/** Counts what reading costs beyond the bytes; see {@link ArrowLimits.maxVirtualValues}. */
export class Budget {
  #left: number;

  constructor(limits: ArrowLimits, byteLength: number) {
    this.#left = limits.maxVirtualValues + 8 * byteLength;
  }

  charge(values: number, offset: number, path: string): void {
    this.#left -= values;
    // Written so that NaN fails, too.
    if (!(this.#left >= 0))
      fail('limit', 'More values without bytes of their own than maxVirtualValues allows', offset, path);
  }
}
