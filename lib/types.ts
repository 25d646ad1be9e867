/** The public types. docs/api.md explains them in prose. */
import type { RecordBatch, Table } from 'apache-arrow';
import type { Readable, Writable } from 'node:stream';
import type { PlainValue } from '../protocol/value.js';
import type { SandboxLayer } from './layers.js';
import type { StandardSchema } from './schema.js';
import type { SharedTable } from './shared-table.js';

export type { PlainValue } from '../protocol/value.js';

/**
 * When a zygote is replaced, without a gap: the next one is started first. All children of one zygote share its
 * address-space layout, so what one of them learns of it is worth something to the others.
 */
export interface RotationOptions {
  /** Age in milliseconds; `Infinity` for never. */
  readonly afterMs?: number;
  /** Number of children; `Infinity` for any. */
  readonly afterChildren?: number;
  /** After a child died of SIGSEGV, SIGBUS, SIGILL or SIGSYS, or of a forbidden system call; every 5 seconds at the most. */
  readonly afterCrash?: boolean;
}

/** How a zygote is started. */
export interface ZygoteOptions {
  /**
   * Modules that every child has loaded already: packages, or paths that start with `./`, `../` or `/`. Code in a child
   * requires or imports them under the same names.
   * @default ['apache-arrow']
   */
  readonly preload?: readonly string[];
  /**
   * The file (or `file:` URL, such as `import.meta.url`) from which `preload` is resolved.
   * @default the working directory
   */
  readonly from?: string | URL;
  /** The environment of the zygote and of its children, as a whole: nothing is inherited. @default {} */
  readonly env?: Readonly<Record<string, string>>;
  /** The working directory of children. @default '/' */
  readonly cwd?: string;
  /** The `node` to start. @default process.execPath */
  readonly execPath?: string;
  /** Options for node itself, such as `--max-old-space-size=200`. @default [] */
  readonly execArgv?: readonly string[];
  /**
   * Whether to load what strips types from TypeScript once, in the zygote. Node strips them itself since 22.13, and what does
   * it is else loaded by each child that needs it; for older ones it is the package `amaro`, which no child can load.
   * @default on older Node if `amaro` is installed
   */
  readonly typescript?: boolean;
  /** How long the zygote may take until it can clone, in milliseconds. @default {@link DEFAULT_START_TIMEOUT_MS} */
  readonly startTimeoutMs?: number;
  /**
   * How long the threads of the runtime and of preloaded modules may take to come to rest before they are cloned, in
   * milliseconds. @default {@link DEFAULT_IDLE_TIMEOUT_MS}
   */
  readonly idleTimeoutMs?: number;
  /**
   * How many children are kept cloned and confined ahead of demand: at least `min`, and up to `max` where spawns would
   * have had to wait, which is 254 at most. `{ min: 0, max: 0 }`: none. @default {@link DEFAULT_POOL}
   */
  readonly pool?: { readonly min?: number; readonly max?: number };
  /** When the zygote is replaced by a new one. @default {@link DEFAULT_ROTATION} */
  readonly rotation?: RotationOptions;
  /** How children are confined. @default everything on */
  readonly sandbox?: SandboxOptions;
}

/**
 * What children may do. `compute`: calculate, with a private /tmp, and nothing else. `exec`: also start programs that
 * `files` lists. `network`: also connect to what `network` lists, by TCP and UDP over IPv4.
 */
export type SandboxProfile = 'compute' | 'exec' | 'network';

/** A destination that children may connect to. */
export interface NetworkRule {
  /** An IPv4 address or range, such as `'93.184.215.14'` or `'93.184.215.0/24'`. */
  readonly to: string;
  /** A port, a range such as `'8000-8999'`, or a list of them. */
  readonly ports: number | string | readonly (number | string)[];
  /** @default 'tcp' */
  readonly protocol?: 'tcp' | 'udp';
}

/**
 * Where children of the profile `network` may connect to; everything else is refused. A host that is not root can't
 * have it. See docs/network.md.
 */
export interface NetworkOptions {
  /**
   * Public addresses. Private and other special ranges, the addresses of cloud metadata services and those of the host
   * itself stay out of reach, even where a range here covers them. @default []
   */
  readonly allow?: readonly NetworkRule[];
  /** Single addresses, or ranges within private ones, that are to be reached although they are off-limits. @default [] */
  readonly allowPrivate?: readonly NetworkRule[];
  /**
   * Up to three name servers; port 53 of each is let through, wherever it is. SECURITY: whatever can look up names can
   * send data to any server of a domain of its own; `hosts` does without. @default []
   */
  readonly dns?: readonly string[];
  /** Addresses by name, for /etc/hosts of children. They still have to be allowed. @default {} */
  readonly hosts?: Readonly<Record<string, string>>;
  /**
   * A range that is not used otherwise. The first half is for a link of each zygote, the second for children, which
   * only their zygote's router sees. @default {@link DEFAULT_NETWORK_ADDRESSES}
   */
  readonly addresses?: string;
  /** Connections that a child may have at a time, TCP and UDP. @default {@link DEFAULT_MAX_CONNECTIONS} */
  readonly maxConnections?: number;
  /** The same for all children of a zygote together. @default {@link DEFAULT_MAX_CONNECTIONS_OF_ALL} */
  readonly maxConnectionsOfAll?: number;
  /**
   * How long a TCP connection may be silent before the firewall forgets it, in milliseconds, rounded up to seconds. It
   * bounds how long the connections of a killed child count for {@link maxConnectionsOfAll}.
   * @default {@link DEFAULT_CONNECTION_IDLE_MS}
   */
  readonly connectionIdleMs?: number;
}

/** What each child may use. A child that goes beyond is `limitExceeded` with the name here, or `outOfMemory`. */
export interface SandboxLimits {
  /** Memory of the child and all that it starts. @default {@link DEFAULT_MEMORY_BYTES} */
  readonly memoryBytes?: number;
  /** Processes and threads. @default {@link DEFAULT_TASKS} */
  readonly tasks?: number;
  /** Open files. @default {@link DEFAULT_OPEN_FILES} */
  readonly openFiles?: number;
  /** The size of a file. @default {@link DEFAULT_FILE_BYTES} */
  readonly fileBytes?: number;
  /** All files in /tmp, which count as memory too. @default {@link DEFAULT_TMP_BYTES} */
  readonly tmpBytes?: number;
  /**
   * All that it writes to stdout, and all that it writes to stderr, where they are captured or not read. What is beyond
   * `maxCaptureBytes` is dropped; this is where the child is stopped. @default {@link DEFAULT_OUTPUT_BYTES}
   */
  readonly outputBytes?: number;
  /** CPU time in milliseconds, rounded up to seconds; `Infinity` for none. @default Infinity */
  readonly cpuMs?: number;
}

/** How children are confined. Everything is on unless it is switched off by name. */
export interface SandboxOptions {
  /** What children may do. @default 'compute' */
  readonly profile?: SandboxProfile;
  /** Layers to go without. @default [] */
  readonly off?: readonly SandboxLayer[];
  /**
   * Files and directories of the host that children see, read-only, under the same paths; with what is mounted there.
   * Of `/proc`, `/dev` and `/tmp` a child has its own. @default []
   */
  readonly files?: readonly string[];
  /**
   * User and group ids for children, which nobody else on the machine has; only for a host that is root. Each zygote
   * takes 256 of them. @default {@link DEFAULT_UIDS}
   */
  readonly uids?: { readonly first: number; readonly count: number };
  /**
   * Directories of cgroup file systems in which groups for children can be made: one of version 2, or of version 1 one of
   * each hierarchy, `memory` and `pids` at least.
   * @default the host's own group, or in version 2 a delegated one right above it, where the host may
   */
  readonly cgroups?: readonly string[];
  /** What each child may use. @default see {@link SandboxLimits} */
  readonly limits?: SandboxLimits;
  /** For the profile `network` only. @default nothing can be reached */
  readonly network?: NetworkOptions;
}

/** What confines the children of a zygote. */
export interface ActiveSandbox {
  readonly profile: SandboxProfile;
  readonly layers: readonly SandboxLayer[];
  /** What was switched off. */
  readonly off: readonly SandboxLayer[];
  /**
   * Whether each live child has a uid and gid of its own. A host can't give them any that isn't root, or is root in a
   * container that hasn't got these ids.
   */
  readonly ownIds: boolean;
  /** What holds the limit on memory. `rlimit` counts what is allocated, each process by itself. */
  readonly memory: 'cgroup2' | 'cgroup1' | 'rlimit' | 'none';
}

/**
 * Whether the memory that children write to is pinned: it is copied as they are cloned, which takes less time than a page
 * fault for each page. Everything works without.
 */
export interface Pinning {
  readonly isPinned: boolean;
  /** Where it is not: what failed. */
  readonly step?: string;
  /**
   * The name of its error, such as `ENOMEM` (RLIMIT_MEMLOCK is too small), `EPERM` or `ENOSYS` (io_uring is forbidden,
   * or not there) or `ENODATA` (what children write to could not be found out).
   */
  readonly errno?: string;
}

/**
 * A table to hand over: an Arrow table or record batch, Arrow IPC bytes (a file or a stream) or a stream of them, the
 * descriptor or the path of an Arrow IPC file, or a {@link SharedTable}. A table that came out of a child goes on without a
 * copy. Of bytes, whether they are a whole file or stream is checked, and not each value in it: that is up to
 * {@link validateArrow}.
 */
export type TableInput =
  | Table
  | RecordBatch
  | Uint8Array
  | Readable
  | { readonly fd: number }
  | { readonly path: string }
  | SharedTable;

/**
 * What the code is called with: params as they are when the call is made, and so are tables, if all of them are bytes, of at
 * most 1 MiB each. Other tables must not change until the child is there.
 */
export interface Inputs {
  /** Any {@link PlainValue}. @default {} */
  readonly params?: unknown;
  /** By the names under which the code finds them. @default {} */
  readonly tables?: Readonly<Record<string, TableInput>>;
}

/** Whether the source is CommonJS or an ES module; `auto` looks at the name and then at the text. */
export type SourceFormat = 'auto' | 'commonjs' | 'module';

/**
 * Where a standard stream of the child leads. `pipe`: a stream on the handle, as with child_process. Output that nobody
 * reads fills the pipe and then holds the child up, unless `result` is awaited: then a stream that nobody has asked for
 * until then is read on, and its first `maxCaptureBytes` are kept for who asks later. `capture`: kept for `result.stdout` or `result.stderr`. `ignore`:
 * /dev/null. `inherit`: the host's own.
 */
export type OutputMode = 'pipe' | 'capture' | 'ignore' | 'inherit';
/** Where the child's stdin comes from. `pipe`: a stream on the handle. `ignore`: /dev/null, which is empty. */
export type InputMode = 'pipe' | 'ignore';

/** What holds for each child, whether it runs code or a preloaded entry. */
export interface ProcessOptions {
  /** Once aborted, kills the child and all that it started. Aborted already: nothing is started. */
  readonly signal?: AbortSignal;
  /** Wall time from spawn() to the end, in milliseconds; `Infinity` for no limit. @default Infinity */
  readonly timeoutMs?: number;
  /** process.argv from the third element on. @default [] */
  readonly argv?: readonly string[];
  /** process.env, as a whole. @default the zygote's */
  readonly env?: Readonly<Record<string, string>>;
  /** The working directory. @default the zygote's */
  readonly cwd?: string;
  /** @default 'pipe', with `run()` 'ignore' */
  readonly stdin?: InputMode;
  /** @default 'pipe', with `run()` 'ignore' */
  readonly stdout?: OutputMode;
  /**
   * `stdout`: wherever that leads, into the same pipe, as `2>&1` in a shell: `result.stdout` or `child.stdout` then has both.
   * They are in the order in which they were written as long as the pipe (64 KiB) doesn't fill.
   *
   * @default 'pipe', with `run()` 'ignore'
   */
  readonly stderr?: OutputMode | 'stdout';
  /** How many bytes are kept of stdout, and of stderr, that is captured or not read. @default {@link DEFAULT_MAX_CAPTURE_BYTES} */
  readonly maxCaptureBytes?: number;
}

/** How code is run. `timeoutMs` is {@link DEFAULT_TIMEOUT_MS} where it isn't given. */
export interface SpawnOptions extends ProcessOptions {
  /** The name of the source in stack traces. Nothing is read from it. @default 'step.js' */
  readonly filename?: string;
  /** What kind of module the code is. @default 'auto' */
  readonly format?: SourceFormat;
  /**
   * Checks the value that the code returned, and may transform it: a schema of zod, valibot, arktype or any other library
   * with the Standard Schema interface. A value that does not match makes the result `badOutput`. @default none
   */
  readonly schema?: StandardSchema;
  /**
   * What is called in the place of the code's own default export, for those who have their own idea of what a piece of
   * code exports: a function of a preloaded module, which is called in the child with what the code's module exports,
   * with `{ params, tables }`, and with a `require` that finds what the code's own does. What it returns is the result.
   * @default none
   */
  readonly adapter?: Adapter;
  /** How large, encoded, the value may be that the code returns, in bytes. @default {@link DEFAULT_MAX_RESULT_BYTES} */
  readonly maxResultBytes?: number;
  /**
   * How many values there may be in it: each number, string, array, object and so on is one, and a table counts as 50.
   * Reading them takes the host's main thread, in turns of some milliseconds. @default {@link DEFAULT_MAX_RESULT_ELEMENTS}
   */
  readonly maxResultElements?: number;
  /**
   * How large all tables together may be that the code returns, in bytes; at most `buffer.constants.MAX_LENGTH`, which is
   * 4 GB on Node 20. @default {@link DEFAULT_MAX_TABLE_BYTES}
   */
  readonly maxTableBytes?: number;
}

/** What a child used. CPU time and memory are those of the child itself and of the processes that it waited for. */
export interface Usage {
  /** From the call of spawn() until the child and all that it started were gone. */
  readonly wallMs: number;
  readonly userMs: number;
  readonly systemMs: number;
  /** The largest resident set, `ru_maxrss` of getrusage(2). It counts pages that the child shares with the zygote. */
  readonly peakMemoryBytes: number;
}

/** What a child wrote to a stream that was captured. */
export interface CapturedOutput {
  readonly bytes: Uint8Array;
  /** The bytes as UTF-8. */
  readonly text: string;
  /** Whether there was more than `maxCaptureBytes`. */
  readonly truncated: boolean;
}

/** Where in the source of the code something is. Lines and columns count from 1. */
export interface Place {
  /** The `filename` of the code. */
  readonly file: string;
  readonly line: number;
  /** 0 if unknown. */
  readonly column: number;
}

/** A user's error, as text. */
export interface ErrorDescription {
  readonly name: string;
  readonly message: string;
  readonly stack: string;
  readonly code?: string;
  /** The first line of its stack that is in the code itself, and not in a module. The code could have written it. */
  readonly place?: Place;
  /** `error.cause`, its cause, and so on. */
  readonly causes: readonly Omit<ErrorDescription, 'causes'>[];
}

interface Common {
  readonly usage: Usage;
  /** What confined it, as `zygote.sandbox` of the zygote that it was cloned from. */
  readonly sandbox: ActiveSandbox;
  /** With `stdout: 'capture'`. */
  readonly stdout?: CapturedOutput;
  /** With `stderr: 'capture'`. */
  readonly stderr?: CapturedOutput;
}

/** What became of a child that ran code. */
export type Result = Common &
  (
    | { readonly status: 'ok'; readonly value: PlainValue; readonly tables: Readonly<Record<string, Table>> }
    /** The code threw, or was rejected, while it was compiled, loaded or called. */
    | { readonly status: 'threw'; readonly error: ErrorDescription }
    /** The process ended by itself before the code had returned: process.exit(), or nothing was left to wait for, which is 13, as in node. */
    | { readonly status: 'exited'; readonly exitCode: number }
    | { readonly status: 'signaled'; readonly signal: NodeJS.Signals }
    | { readonly status: 'timedOut'; readonly timeoutMs: number }
    /** Aborted, disposed of, or the handle was collected. */
    | { readonly status: 'canceled'; readonly reason: unknown }
    /** What came back is no result, or has something in it that can't be handed over. */
    | { readonly status: 'badOutput'; readonly reason: string; readonly path?: string }
    /**
     * With the error where nothing but that tells of it, which is the code's own word: of descriptors, bytes of files and
     * bytes in /tmp that were refused the kernel keeps no count.
     */
    | {
        readonly status: 'limitExceeded';
        readonly limit: LimitName;
        readonly max: number;
        readonly error?: ErrorDescription;
      }
    /** The kernel killed a process for want of memory; or V8 found no more, or (with the error) the code was refused some. */
    | { readonly status: 'outOfMemory'; readonly error?: ErrorDescription }
    | { readonly status: 'forbidden'; readonly syscall: string }
  );

/** What `run()` resolves to. */
export type OkResult = Extract<Result, { status: 'ok' }>;

/** The limits by which a result can be `limitExceeded`, under the names of the options that set them. */
export type LimitName =
  | 'outputBytes'
  | 'maxResultBytes'
  | 'maxTableBytes'
  | 'maxResultDepth'
  | 'maxResultElements'
  | 'tasks'
  | 'openFiles'
  | 'fileBytes'
  | 'tmpBytes'
  | 'cpuMs';

/** How a process ended. */
export interface ExitStatus {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Why the host ended it, if it did. */
  readonly killed: 'timedOut' | 'canceled' | null;
  /** The name of the forbidden system call that it was killed for, if it was. */
  readonly forbidden: string | null;
  /** Whether the kernel killed one of its processes for want of memory. */
  readonly outOfMemory: boolean;
  /** Whether it was ended because a captured stream had more than `outputBytes`. */
  readonly outputExceeded: boolean;
  /** Whether a process or a thread was refused because of the limit on tasks. */
  readonly tasksExceeded: boolean;
  readonly usage: Usage;
  /** What confined it, as `zygote.sandbox` of the zygote that it was cloned from. */
  readonly sandbox: ActiveSandbox;
  readonly stdout?: CapturedOutput;
  readonly stderr?: CapturedOutput;
}

/** A function that a preloaded module exports, to be called in a child. */
export interface Entry {
  /** As in `preload`. */
  readonly module: string;
  /** Under which name. @default 'default', or the module itself where it is a function */
  readonly export?: string;
  /** What it is called with, {@link PlainValue}s all. @default [] */
  readonly args?: readonly unknown[];
}

/** A function that a preloaded module exports, between the code of a child and its result. */
export interface Adapter {
  /** As in `preload`. */
  readonly module: string;
  /** Under which name. @default 'default', or the module itself where it is a function */
  readonly export?: string;
}

/** A running child. Disposing of the handle, or losing it, kills the child and all that it started. */
export interface ChildHandle extends AsyncDisposable {
  /** In the host's PID namespace. */
  readonly pid: number;
  /** Null unless the stream was asked for as a `pipe`. */
  readonly stdin: Writable | null;
  readonly stdout: Readable | null;
  readonly stderr: Readable | null;
  /**
   * Without a signal: SIGKILL for the child and all that it started. With one: that signal, for the child alone.
   * Returns whether there was still something to signal.
   */
  kill(signal?: NodeJS.Signals): boolean;
}

/** A child that runs code. */
export interface Child extends ChildHandle {
  /**
   * Never rejects for anything that the child does; rejects with {@link ZygoteGoneError} if the zygote dies, and with
   * {@link HostError} if this process itself lacks what it needs to read the result.
   */
  readonly result: Promise<Result>;
}

/** A child that runs a preloaded entry, for those who bring a protocol of their own. */
export interface ChildProcess extends ChildHandle {
  /** Waits until the child and all that it started are gone. */
  wait(): Promise<ExitStatus>;
}
