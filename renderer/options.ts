/** Checks what the caller gives a Renderer, once, and fills in the defaults. */
import { availableParallelism } from 'node:os';
import { fail, count, Reader, text, type Check } from '../lib/reader.js';
import type { SandboxLimits, SandboxOptions, ZygoteOptions } from '../lib/index.js';
import { InvalidOptionError, renamed } from '../lib/errors.js';
import { maxOpenFiles } from '../lib/open-files.js';
import { checkSpawnOptions, checkZygoteOptions } from '../lib/options.js';
import {
  DEFAULT_CACHE_BYTES,
  DEFAULT_MAX_STEPS,
  DEFAULT_MAX_TABS,
  DEFAULT_MEMORY_CACHE_BYTES,
  DEFAULT_STEP_CAPTURE_BYTES,
  DEFAULT_STEP_TABLE_BYTES,
  DEFAULT_STEP_TIMEOUT_MS,
  DEFAULT_STEP_VALUE_BYTES,
} from './defaults.js';
import { objectStore } from './store/check.js';
import type { ObjectStore } from './store/types.js';
import { checkQueue, type CheckedQueueOptions } from './workers/options.js';
import type { Logger, RendererOptions, StepLimits } from './types.js';

/** Those of the library's that are given on as they are. */
const ZYGOTE_OPTIONS = [
  'preload',
  'from',
  'env',
  'execPath',
  'execArgv',
  'typescript',
  'startTimeoutMs',
  'idleTimeoutMs',
  'pool',
  'rotation',
] as const satisfies readonly (keyof Omit<ZygoteOptions, 'sandbox' | 'cwd'>)[];

/** What each child may give back; what it may use is for its sandbox. */
export interface CheckedLimits {
  readonly timeoutMs: number;
  readonly maxTableBytes: number;
  readonly maxValueBytes: number;
  readonly maxCaptureBytes: number;
  /** For messages. */
  readonly memoryBytes: number;
}

export interface CheckedConfinement {
  readonly zygote: ZygoteOptions;
  readonly limits: CheckedLimits;
}

export interface CheckedRendererOptions {
  readonly steps: CheckedConfinement;
  /** Undefined if it is that of all calls. */
  readonly fetch: CheckedConfinement | undefined;
  /** Whether its zygote is started at once. */
  readonly isFetchEager: boolean;
  readonly cache: { readonly dir: string; readonly maxBytes: number } | undefined;
  readonly store: ObjectStore | undefined;
  readonly maxChildren: number;
  readonly maxMemoryBytes: number;
  readonly logger: Logger | undefined;
  readonly workflows: WorkflowLimits;
}

const amount: Check<number> = (value, name) =>
  Number.isSafeInteger(value) && (value as number) >= 0
    ? (value as number)
    : fail(name, 'a number of bytes', value);

const flag: Check<boolean> = (value, name) =>
  typeof value === 'boolean' ? value : fail(name, 'a boolean', value);

const anything: Check<unknown> = (value) => value;

const logger: Check<Logger | undefined> = (value, name) => {
  const methods = ['debug', 'info', 'warn', 'error'] as const;
  const given = value as Partial<Logger> | null;
  return typeof given === 'object' &&
    given !== null &&
    methods.every((method) => typeof given[method] === 'function')
    ? (given as Logger)
    : fail(name, `an object with the methods ${methods.join(', ')}`, value);
};

const sandboxWithoutLimits: Check<Omit<SandboxOptions, 'limits'>> = (value, name) => {
  if (typeof value !== 'object' || value === null) return fail(name, 'an object', value);
  if ('limits' in value) return fail(`${name}.limits`, 'absent: there is the option limits', value.limits);
  return value;
};

function checkCache(value: unknown, name: string): CheckedRendererOptions['cache'] {
  const reader = new Reader(value, name);
  const cache = {
    dir: reader.required('dir', text),
    maxBytes: reader.get('maxBytes', count, DEFAULT_CACHE_BYTES),
  };
  reader.end();
  return cache;
}

const stepLimits: Check<StepLimits> = (value, name) =>
  typeof value === 'object' && value !== null ? value : fail(name, 'an object', value);

/** What the checks of the library call an option is not always what the caller wrote. */
function renaming<T>(nameOf: (option: string) => string, check: () => T): T {
  try {
    return check();
  } catch (error) {
    throw error instanceof InvalidOptionError ? renamed(error, nameOf(error.option)) : error;
  }
}

function confine(
  zygote: ZygoteOptions,
  sandbox: Omit<SandboxOptions, 'limits'>,
  given: StepLimits,
  name: string,
): CheckedConfinement {
  const {
    timeoutMs = DEFAULT_STEP_TIMEOUT_MS,
    maxTableBytes = DEFAULT_STEP_TABLE_BYTES,
    maxValueBytes = DEFAULT_STEP_VALUE_BYTES,
    maxCaptureBytes = DEFAULT_STEP_CAPTURE_BYTES,
    ...limits
  } = given;
  const options = { ...zygote, sandbox: { ...sandbox, limits: limits satisfies SandboxLimits } };
  const checked = renaming(
    (option) =>
      option
        .replace(/^options\.sandbox\.limits(?=\.|$)/, `${name}.limits`)
        .replace(/^options\.sandbox(?=\.|$)/, `${name}.sandbox`),
    () => checkZygoteOptions(options),
  );
  renaming(
    (option) => option.replace(/^options/, `${name}.limits`),
    () => checkSpawnOptions({ timeoutMs, maxTableBytes, maxCaptureBytes }, 'capture', []),
  );
  amount(maxValueBytes, `${name}.limits.maxValueBytes`);
  return {
    zygote: options,
    limits: {
      timeoutMs,
      maxTableBytes,
      maxValueBytes,
      maxCaptureBytes,
      memoryBytes: checked.sandbox.limits.memoryBytes,
    },
  };
}

/** How large a workflow may be. */
export interface WorkflowLimits {
  readonly maxTabs: number;
  readonly maxSteps: number;
}

function readWorkflowLimits(reader: Reader): WorkflowLimits {
  return {
    maxTabs: reader.get('maxTabs', count, DEFAULT_MAX_TABS),
    // The table of each step has a descriptor, as long as there is its report.
    maxSteps: reader.get('maxSteps', count, Math.min(DEFAULT_MAX_STEPS, Math.floor(maxOpenFiles() / 4))),
  };
}

/** What a Renderer is started with whose steps are run by workers. */
export interface CheckedQueuedOptions {
  readonly queue: CheckedQueueOptions;
  readonly store: ObjectStore;
  readonly maxMemoryBytes: number;
  readonly logger: Logger | undefined;
  readonly workflows: WorkflowLimits;
}

/** @throws {InvalidOptionError} */
export function checkQueuedOptions(options: RendererOptions): CheckedQueuedOptions {
  const reader = new Reader(options, 'options');
  const checked = {
    queue: reader.required('queue', checkQueue),
    store: reader.required('store', objectStore),
    maxMemoryBytes: reader.get('maxMemoryBytes', amount, DEFAULT_MEMORY_CACHE_BYTES),
    logger: reader.get<Logger | undefined>('logger', logger, undefined),
    workflows: readWorkflowLimits(reader),
  };
  // How steps are run is for the workers to say.
  reader.end();
  return checked;
}

/** @throws {InvalidOptionError} */
export function checkRendererOptions(options: RendererOptions | undefined): CheckedRendererOptions {
  const reader = new Reader(options, 'options');
  const zygote = Object.fromEntries(
    ZYGOTE_OPTIONS.map((name) => [name, reader.get<unknown>(name, anything, undefined)]),
  ) as ZygoteOptions;
  const common = {
    sandbox: reader.get('sandbox', sandboxWithoutLimits, {}),
    limits: reader.get('limits', stepLimits, {}),
  };
  // Of those whose steps are run by workers.
  reader.get('queue', anything, undefined);
  const fetch = reader.get('fetch', anything, undefined);
  const fetchReader = new Reader(fetch, 'options.fetch');
  const own = {
    sandbox: fetchReader.get('sandbox', sandboxWithoutLimits, common.sandbox),
    limits: fetchReader.get('limits', stepLimits, common.limits),
    eager: fetchReader.get<boolean | undefined>('eager', flag, undefined),
  };
  fetchReader.end();
  const checked = {
    cache: reader.get<CheckedRendererOptions['cache']>('cache', checkCache, undefined),
    store: reader.get<ObjectStore | undefined>('store', objectStore, undefined),
    maxChildren: reader.get('maxChildren', count, availableParallelism()),
    maxMemoryBytes: reader.get('maxMemoryBytes', amount, DEFAULT_MEMORY_CACHE_BYTES),
    logger: reader.get<Logger | undefined>('logger', logger, undefined),
    workflows: readWorkflowLimits(reader),
  };
  reader.end();
  return {
    steps: confine(zygote, common.sandbox, common.limits, 'options'),
    fetch: fetch === undefined ? undefined : confine(zygote, own.sandbox, own.limits, 'options.fetch'),
    isFetchEager: fetch !== undefined && (own.eager ?? own.sandbox.profile === 'network'),
    ...checked,
  };
}
