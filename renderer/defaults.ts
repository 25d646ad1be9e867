/** The defaults of all options, so that what the documentation says is what the code does. */

export const DEFAULT_STEP_TIMEOUT_MS = 60_000;
export const DEFAULT_STEP_TABLE_BYTES = 1024 * 1024 * 1024;
export const DEFAULT_STEP_VALUE_BYTES = 1024 * 1024;
export const DEFAULT_STEP_CAPTURE_BYTES = 64 * 1024;
export const DEFAULT_CACHE_BYTES = 1024 * 1024 * 1024;
export const DEFAULT_MEMORY_CACHE_BYTES = 256 * 1024 * 1024;
export const DEFAULT_MAX_TABS = 1000;
export const DEFAULT_MAX_STEPS = 1000;
