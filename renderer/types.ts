/** The public types. docs/renderer.md explains them in prose. */
import type { ObjectStore } from './store/types.js';
import type { Table } from 'apache-arrow';
import type {
  Place,
  PlainValue,
  SandboxLimits,
  SandboxOptions,
  StandardSchema,
  TableInput,
  Usage,
  ZygoteOptions,
} from '../lib/index.js';

// ---------------------------------------------------------------------------------------------------------------
// What is rendered

/** Tabs of steps. Plain data, but for schemas of a library: it can be kept as JSON or YAML. */
export interface Workflow {
  /** A newer version of a workflow has the same id, and cancels the one that is being rendered. */
  readonly id: string;
  readonly tabs: readonly Tab[];
  readonly name?: string;
  /** Anything of the caller's, as in tabs and steps: titles, places on a page. Nothing here looks at it. */
  readonly meta?: unknown;
}

/** Steps one after the other: each is given the table of the one before it. The last one's is the tab's result. */
export interface Tab {
  /** Unique in its workflow, and no name of an input. */
  readonly id: string;
  /** What users call it. @default its id */
  readonly name?: string;
  /** The table that the first step is given: the id of another tab, or the name of an input. @default none */
  readonly from?: string;
  readonly steps: readonly Step[];
  /** As that of a workflow. */
  readonly meta?: unknown;
}

/** One piece of a user's code and what it is called with. */
export interface Step {
  /** Unique in its workflow. */
  readonly id: string;
  /** What users call it. */
  readonly name?: string;
  /**
   * The source of a CommonJS or ES module, or of TypeScript whose types can be stripped, that exports one or more of
   * `render(table, params, context)`, `fetch(params, context)` and `migrateParams(params)`.
   */
  readonly code: string;
  /** The name of the source in messages and stack traces; nothing is read from it. @default the step's id and `.js` */
  readonly filename?: string;
  /** @default {} */
  readonly params?: unknown;
  /** What the params have to be, once `migrateParams` has seen to them. @default anything */
  readonly schema?: StandardSchema | ParamSpec;
  /** Other tables, by the names under which `context.inputs` has them: ids of tabs, or names of inputs. @default {} */
  readonly inputs?: Readonly<Record<string, string>>;
  /** As that of a workflow. */
  readonly meta?: unknown;
}

/** The params of a step as plain data, for workflows that are kept as files. Params of other names are refused. */
export type ParamSpec = Readonly<Record<string, ParamField>>;

/** One param. Without a default it has to be given, unless it is optional. */
export type ParamField = { readonly optional?: boolean; readonly description?: string } & (
  | {
      readonly type: 'string';
      readonly default?: string;
      readonly oneOf?: readonly string[];
      /** In UTF-16 units. */
      readonly maxLength?: number;
    }
  | {
      readonly type: 'number' | 'integer';
      readonly default?: number;
      readonly min?: number;
      readonly max?: number;
    }
  | { readonly type: 'boolean'; readonly default?: boolean }
  | { readonly type: 'list'; readonly of: ParamField; readonly default?: readonly unknown[] }
  | { readonly type: 'object'; readonly fields: ParamSpec }
  | { readonly type: 'any'; readonly default?: unknown }
);

// ---------------------------------------------------------------------------------------------------------------
// What comes of it

/**
 * What a message is about, stable. `reported`: the step's own words. `threw` to `badOutput`: what became of its child.
 * `badResult`: what it returned is neither of the things that it may return. `badParams`: the params don't match the
 * schema. `badModule`: the code doesn't export what it has to. `missingInput`, `cycle`: there is no such table, or it
 * depends on this one. `internal`: the host's fault, not the step's.
 */
export type MessageCode =
  | 'reported'
  | 'threw'
  | 'exited'
  | 'signaled'
  | 'timedOut'
  | 'outOfMemory'
  | 'limitExceeded'
  | 'forbidden'
  | 'badOutput'
  | 'badResult'
  | 'badParams'
  | 'badModule'
  | 'missingInput'
  | 'cycle'
  | 'internal';

/** An error or a warning for the user, in words. */
export interface Message {
  readonly code: MessageCode;
  readonly text: string;
  /** In the source of the step. */
  readonly place?: Place;
  /** With `threw`: the stack, of the user's own functions. */
  readonly stack?: string;
  /** With `badParams`: where in the params, such as `filters.0.column`. */
  readonly path?: string;
}

/**
 * A table that a step gave. It stays readable, wherever it lies, until the report is disposed of or collected.
 */
export interface StepTable {
  /** SHA-256 of its Arrow IPC bytes, in hexadecimal. */
  readonly hash: string;
  /** Of the Arrow IPC file or stream. */
  readonly byteLength: number;
  readonly numRows: number;
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  /** The table, validated. */
  read(): Promise<Table>;
  /** Its bytes, an Arrow IPC file or stream. */
  bytes(): Promise<Uint8Array>;
}

/** The child, or the cache, that a function of a step was answered by. */
export type StepCall = 'render' | 'fetch' | 'migrateParams' | 'validate';

/** What one child of a step did. */
export interface CallReport {
  readonly call: StepCall;
  /** How long it waited for its turn, in milliseconds. */
  readonly queuedMs: number;
  readonly usage: Usage;
}

/** What all reports of steps have. */
export interface StepReportBase {
  readonly step: string;
  readonly tab: string;
  readonly warnings: readonly Message[];
  /** Not empty if the status is `error`. */
  readonly errors: readonly Message[];
  /** Whether all that it took came out of the cache, so that no child was run. An error itself is never kept. */
  readonly cached: boolean;
  /** From the moment when its inputs were there, in milliseconds. */
  readonly ms: number;
  /** The children that were run for it. */
  readonly calls: readonly CallReport[];
  /** What it printed, of all its children; the first `maxCaptureBytes` of each. Empty if it came out of the cache. */
  readonly stdout: string;
  readonly stderr: string;
}

/** What became of a step. */
export type StepReport = StepReportBase &
  (
    | {
        readonly status: 'ok';
        readonly table: StepTable;
        /** What it gave besides its table. */
        readonly value: PlainValue;
      }
    | { readonly status: 'error'; readonly value: PlainValue }
    /** It was not run, because a step that it needs has no result: the ids of those. */
    | { readonly status: 'unreachable'; readonly because: readonly string[] }
    | { readonly status: 'canceled' }
  );

/** What became of a workflow. Disposing of it lets go of its tables. */
export interface Report extends Disposable {
  readonly workflow: string;
  /** The id of the {@link Rendering}. */
  readonly rendering: string;
  /** `error` if any step has errors. */
  readonly status: 'ok' | 'error' | 'canceled';
  /** Why it was canceled: the reason of the signal, or a {@link RenderCanceledError}. */
  readonly reason?: unknown;
  /** In the order of the workflow. */
  readonly steps: readonly StepReport[];
  /** The table of each tab whose last step is ok, by the id of the tab. */
  readonly tables: Readonly<Record<string, StepTable>>;
  readonly ms: number;
}

/**
 * Progress. `queued`: its inputs are there. `started`: a child has begun. `done`: the rest, also without the others. `ended`: the
 * report is there, and nothing follows. `rendering` is the id of the {@link Rendering}, which tells the events of two versions of a
 * workflow apart.
 */
export type RenderEvent = { readonly rendering: string } & (
  | { readonly type: 'queued'; readonly step: string; readonly tab: string }
  | { readonly type: 'started'; readonly step: string; readonly tab: string; readonly call: StepCall }
  | { readonly type: 'done'; readonly step: string; readonly tab: string; readonly report: StepReport }
  | { readonly type: 'ended'; readonly status: Report['status']; readonly ms: number }
);

/**
 * A workflow that is being rendered. Await it for the report, as any promise; iterate over it for the events, from the first on. It
 * runs whether or not anybody does. It rejects only with an {@link InvalidOptionError}, for an input that is no table; then who iterates
 * is thrown that, too.
 */
export interface Rendering
  extends Pick<Promise<Report>, 'then' | 'catch' | 'finally'>, AsyncIterable<RenderEvent> {
  /** Of this rendering and no other. */
  readonly id: string;
  readonly workflow: string;
  cancel(reason?: unknown): void;
}

/** What is wrong with the code of a step, and what it exports. */
export interface Validation {
  readonly ok: boolean;
  readonly exports: readonly ('render' | 'fetch' | 'migrateParams')[];
  readonly errors: readonly Message[];
}

// ---------------------------------------------------------------------------------------------------------------
// Options

/** What a child of a step may use: that of the sandbox, and what it may give back. */
export interface StepLimits extends SandboxLimits {
  /** Wall time of each child, in milliseconds; `Infinity` for no limit. @default {@link DEFAULT_STEP_TIMEOUT_MS} */
  readonly timeoutMs?: number;
  /** The table that it gives. @default {@link DEFAULT_STEP_TABLE_BYTES} */
  readonly maxTableBytes?: number;
  /** The value that it gives besides, and its messages, encoded. @default {@link DEFAULT_STEP_VALUE_BYTES} */
  readonly maxValueBytes?: number;
  /** How much of what it prints to stdout, and to stderr, is kept. @default {@link DEFAULT_STEP_CAPTURE_BYTES} */
  readonly maxCaptureBytes?: number;
}

/** A folder in which results are kept, by what they are made of. */
export interface CacheOptions {
  /** Made if it isn't there. Several Renderers, of several processes, may use one; nobody else may write to it. */
  readonly dir: string;
  /** All files in it. @default {@link DEFAULT_CACHE_BYTES} */
  readonly maxBytes?: number;
}

/** How the children of `fetch` are confined. */
export interface FetchOptions {
  /** Such as a profile with a network. @default that of the others */
  readonly sandbox?: Omit<SandboxOptions, 'limits'>;
  /** @default those of the others */
  readonly limits?: StepLimits;
  /**
   * Whether their zygote is started at once, so that what can't be set up makes `start()` fail, and not when it is first needed.
   * @default whether the profile is `network`
   */
  readonly eager?: boolean;
}

/**
 * Where a Renderer says what happens, to the operator and not to the user. A pino logger is one.
 */
export interface Logger {
  debug(fields: object, text: string): void;
  info(fields: object, text: string): void;
  warn(fields: object, text: string): void;
  error(fields: object, text: string): void;
}

/** Where workers are told what to render: BullMQ on Redis or Valkey, with the packages `bullmq` and `ioredis`. */
export interface QueueOptions {
  /** A URL such as `redis://127.0.0.1:6379`, or options of ioredis. */
  readonly connection: string | object;
  /** On whose behalf: tenants take turns, however much each of them wants. @default 'default' */
  readonly tenant?: string;
  /** What all keys begin with. @default 'nodespawner' */
  readonly prefix?: string;
}

/**
 * How a Renderer is started. With a `queue`, steps are run by workers, and how they are confined is theirs to say: the only other
 * options are `store`, `maxMemoryBytes`, `maxTabs`, `maxSteps` and `logger`.
 */
export interface RendererOptions extends Omit<ZygoteOptions, 'sandbox' | 'cwd'> {
  /** How children are confined; their limits are `limits`. @default everything on */
  readonly sandbox?: Omit<SandboxOptions, 'limits'>;
  /** What each child may use. */
  readonly limits?: StepLimits;
  /** How the children of `fetch` are confined, if otherwise: they get a zygote of their own. */
  readonly fetch?: FetchOptions;
  /** @default none: results are kept in memory, as far as `maxMemoryBytes` goes */
  readonly cache?: CacheOptions;
  /**
   * Where results and tables are kept that several machines share: what one has rendered, none renders again. It is not closed
   * with the Renderer. A step whose result can't be put there has an error of code `internal`. @default none
   */
  readonly store?: ObjectStore;
  /** How many children run at once. @default as many as there are cores */
  readonly maxChildren?: number;
  /** Tabs of one workflow. @default {@link DEFAULT_MAX_TABS} */
  readonly maxTabs?: number;
  /**
   * Steps of one workflow: the table of each, if it is large, has a descriptor as long as there is the report.
   * @default {@link DEFAULT_MAX_STEPS}, or a quarter of the files that the process can have open (`RLIMIT_NOFILE`), if that is less
   */
  readonly maxSteps?: number;
  /** Tables that are kept in memory for renderings to come. @default {@link DEFAULT_MEMORY_CACHE_BYTES} */
  readonly maxMemoryBytes?: number;
  /** @default silent */
  readonly logger?: Logger;
  /** Has steps run by workers, on this machine or others, that share the `store`. @default none: they are run by this process */
  readonly queue?: QueueOptions;
}

/** How a workflow is rendered. */
export interface RenderOptions {
  /** Tables by name, for tabs and steps to take. @default {} */
  readonly inputs?: Readonly<Record<string, TableInput>>;
  /** Once aborted, cancels. */
  readonly signal?: AbortSignal;
  /** The ids of steps whose `fetch` is called again; true for all. @default false: what they once fetched is used */
  readonly refetch?: boolean | readonly string[];
  /**
   * From 0, which goes first, to 2,097,151, as in BullMQ. Of one tenant's steps that wait (without a queue: of all children that do), those
   * with a smaller number are begun first, whenever they came: for each level during 1,000 turns, so that none waits for ever. What
   * other tenants get is the same. @default 0
   */
  readonly priority?: number;
}

/** How a Renderer is closed. */
export interface CloseOptions {
  /** Whether what is being rendered is finished, and not canceled. Nothing new is taken in any case. @default false */
  readonly drain?: boolean;
}

/** What a Renderer has done and is doing. */
export interface RendererStats {
  readonly renderings: number;
  /** Running now, and waiting for their turn. */
  readonly children: { readonly running: number; readonly queued: number; readonly spawned: number };
  readonly tables: {
    /** Bytes given to children where they lay. */
    readonly handedOverBytes: number;
    /** Bytes written to memory that children map: inputs, and what was read from the cache. */
    readonly copiedBytes: number;
    /** Bytes in memory now. */
    readonly memoryBytes: number;
  };
  readonly cache: {
    readonly hits: number;
    readonly misses: number;
    readonly writtenBytes: number;
    /** On disk, when it was last looked at. */
    readonly bytes: number;
  };
}
