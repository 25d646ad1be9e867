/** The defaults of all options, so that what the documentation says is what the code does. */

export const DEFAULT_PRELOAD: readonly string[] = Object.freeze(['apache-arrow']);
export const DEFAULT_CWD = '/';
export const DEFAULT_START_TIMEOUT_MS = 60_000;
export const DEFAULT_IDLE_TIMEOUT_MS = 10_000;

export const DEFAULT_FILENAME = 'step.js';
export const DEFAULT_TIMEOUT_MS = 60_000;
export const DEFAULT_MAX_CAPTURE_BYTES = 1024 * 1024;
export const DEFAULT_MAX_RESULT_BYTES = 16 * 1024 * 1024;
/** About 1.2 MB of numbers. What has more values than that is a table. */
export const DEFAULT_MAX_RESULT_ELEMENTS = 100_000;
export const DEFAULT_MAX_TABLE_BYTES = 1024 * 1024 * 1024;

export const DEFAULT_MEMORY_BYTES = 512 * 1024 * 1024;
export const DEFAULT_TASKS = 64;
export const DEFAULT_OPEN_FILES = 256;
export const DEFAULT_FILE_BYTES = 1024 * 1024 * 1024;
export const DEFAULT_OUTPUT_BYTES = 256 * 1024 * 1024;
export const DEFAULT_TMP_BYTES = 64 * 1024 * 1024;
/** Above what systems give to users, containers (subuid(5)) and services, below where ids become negative numbers. */
export const DEFAULT_UIDS = Object.freeze({ first: 0x4000_0000, count: 0x3000_0000 });

export const DEFAULT_POOL = Object.freeze({ min: 1, max: 8 });

export const DEFAULT_ROTATION = Object.freeze({
  afterMs: 60 * 60 * 1000,
  afterChildren: 10_000,
  afterCrash: true,
});

/** For benchmarks between networks (RFC 2544), so hardly anybody has a machine there. */
export const DEFAULT_NETWORK_ADDRESSES = '198.18.0.0/15';
/** As many as a child may have open files. */
export const DEFAULT_MAX_CONNECTIONS = 256;
/** A small part of net.netfilter.nf_conntrack_max, which is 262144 on most machines. */
export const DEFAULT_MAX_CONNECTIONS_OF_ALL = 8192;
/** Much longer than a step may take by default, and much shorter than the five days of the kernel. */
export const DEFAULT_CONNECTION_IDLE_MS = 600_000;
