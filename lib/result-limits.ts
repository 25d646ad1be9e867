import { DEFAULT_MAX_DEPTH } from '../protocol/limits.js';

/** How deep a returned value may be: arrays, objects and maps in each other. */
export const MAX_RESULT_DEPTH = DEFAULT_MAX_DEPTH;

/**
 * Columns of a table that code returns, nested ones counted too. Opening a batch takes apache-arrow some 30 µs for each,
 * and nobody else has a turn meanwhile.
 */
export const MAX_RESULT_COLUMNS = 1_000;

/** Bytes of the names of the columns of all tables that code returns, and of the keys of their custom metadata. */
export const MAX_RESULT_NAME_BYTES = 256 * 1024;
