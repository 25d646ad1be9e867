/** How large a value, and the message that carries it, may be. The same limits hold on both sides. */
export interface ValueLimits {
  /** Bytes of the whole encoded message. @default {@link DEFAULT_MAX_BYTES} */
  readonly maxBytes: number;
  /** Arrays, objects and maps inside each other. At most {@link MAX_DEPTH}. @default {@link DEFAULT_MAX_DEPTH} */
  readonly maxDepth: number;
  /** Values in total: each number, string, array, object and so on is one. @default {@link DEFAULT_MAX_ELEMENTS} */
  readonly maxElements: number;
}

/** Large enough for a job with 50 MB of code and 50 MB of params. */
export const DEFAULT_MAX_BYTES = 128 * 1024 * 1024;
export const DEFAULT_MAX_DEPTH = 100;
/**
 * A million values are about 12 MB on the wire, and up to some 240 MB on the heap of whoever reads them (a million
 * small binaries; see docs/protocol.md). What has more values than that is a table.
 */
export const DEFAULT_MAX_ELEMENTS = 1_000_000;

/** Characters of the longest text in an error: the rest is cut off, and a mark says so. */
export const MAX_ERROR_TEXT = 16 * 1024;
/** The same in bytes, with the mark of whoever has cut it. */
export const MAX_ERROR_BYTES = 3 * MAX_ERROR_TEXT + 64;

/** Causes of an error: the writer sends no more, and the reader takes no more. */
export const MAX_CAUSES = 8;

/** The codec calls itself once or twice for each level: a thousand of them fit in the smallest stack that is usual. */
export const MAX_DEPTH = 1_000;
/** Thrift's lengths are i32. */
export const MAX_BYTES = 0x7fff_ffff;

export const DEFAULT_LIMITS: ValueLimits = Object.freeze({
  maxBytes: DEFAULT_MAX_BYTES,
  maxDepth: DEFAULT_MAX_DEPTH,
  maxElements: DEFAULT_MAX_ELEMENTS,
});

/** Fills in the defaults, and keeps what is given within what the codec can do. */
export function withDefaults(limits: Partial<ValueLimits> = {}): ValueLimits {
  return {
    maxBytes: Math.min(limits.maxBytes ?? DEFAULT_MAX_BYTES, MAX_BYTES),
    maxDepth: Math.min(limits.maxDepth ?? DEFAULT_MAX_DEPTH, MAX_DEPTH),
    maxElements: limits.maxElements ?? DEFAULT_MAX_ELEMENTS,
  };
}

/**
 * Record batches of one table of a result. It is what `validateArrow` allows by default: who writes more is told where,
 * and not only that.
 */
export const MAX_BATCHES = 100_000;

/**
 * Bytes of one record batch with its dictionaries. From here on apache-arrow writes lengths that are negative: its
 * arithmetic is that of 32 bits.
 */
export const MAX_BATCH_BYTES = 2 ** 31 - 1;
