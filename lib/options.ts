/** Checks what the caller gives, once, and fills in the defaults. */
import { constants } from 'node:buffer';
import { normalize } from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  DEFAULT_CWD,
  DEFAULT_FILE_BYTES,
  DEFAULT_FILENAME,
  DEFAULT_IDLE_TIMEOUT_MS,
  DEFAULT_MAX_CAPTURE_BYTES,
  DEFAULT_MAX_RESULT_BYTES,
  DEFAULT_MAX_RESULT_ELEMENTS,
  DEFAULT_MAX_TABLE_BYTES,
  DEFAULT_MEMORY_BYTES,
  DEFAULT_OPEN_FILES,
  DEFAULT_OUTPUT_BYTES,
  DEFAULT_POOL,
  DEFAULT_PRELOAD,
  DEFAULT_ROTATION,
  DEFAULT_START_TIMEOUT_MS,
  DEFAULT_TASKS,
  DEFAULT_TIMEOUT_MS,
  DEFAULT_TMP_BYTES,
  DEFAULT_UIDS,
} from './defaults.js';
import { SANDBOX_LAYERS, type SandboxLayer } from './layers.js';
import { checkNetwork, type CheckedNetworkOptions } from './network/options.js';
import { count, fail, list, oneOf, Reader, text, type Check } from './reader.js';
import { isStandardSchema, type StandardSchema } from './schema.js';
import type { PoolSize } from './pool.js';
import type {
  Entry,
  InputMode,
  OutputMode,
  ProcessOptions,
  RotationOptions,
  SandboxLimits,
  SandboxProfile,
  SourceFormat,
  SpawnOptions,
  ZygoteOptions,
} from './types.js';

export interface CheckedZygoteOptions {
  readonly preload: readonly string[];
  readonly from: string;
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly execPath: string;
  readonly execArgv: readonly string[];
  /** Undefined: where this Node needs a package for it, if that is there. */
  readonly typescript: boolean | undefined;
  readonly startTimeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly sandbox: CheckedSandboxOptions;
  readonly pool: PoolSize;
  readonly rotation: Required<RotationOptions>;
}

export interface CheckedSandboxOptions {
  readonly profile: SandboxProfile;
  readonly off: readonly SandboxLayer[];
  readonly files: readonly string[];
  readonly uids: { readonly first: number; readonly count: number };
  readonly cgroups: readonly string[] | undefined;
  readonly limits: Required<SandboxLimits>;
  /** Undefined unless the profile is `network`. */
  readonly network: CheckedNetworkOptions | undefined;
}

export interface CheckedProcessOptions {
  readonly signal: AbortSignal | undefined;
  readonly timeoutMs: number;
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>> | undefined;
  readonly cwd: string | undefined;
  readonly stdin: InputMode;
  readonly stdout: OutputMode;
  readonly stderr: OutputMode | 'stdout';
  readonly maxCaptureBytes: number;
}

export interface CheckedSpawnOptions extends CheckedProcessOptions {
  readonly filename: string;
  readonly format: SourceFormat;
  /** Whether the name says so. */
  readonly typescript: boolean;
  readonly schema: StandardSchema | undefined;
  readonly adapter: CheckedAdapter | undefined;
  readonly maxResultBytes: number;
  readonly maxResultElements: number;
  readonly maxTableBytes: number;
}

export interface CheckedAdapter {
  readonly module: string;
  readonly export: string;
}

export interface CheckedEntry extends CheckedAdapter {
  readonly args: readonly unknown[];
}

const flag: Check<boolean> = (value, name) =>
  typeof value === 'boolean' ? value : fail(name, 'a boolean', value);

const texts = list(text, 'strings');

const environment: Check<Readonly<Record<string, string>>> = (value, name) => {
  if (typeof value !== 'object' || value === null) fail(name, 'an object of strings', value);
  const env = Object.create(null) as Record<string, string>;
  for (const [key, item] of Object.entries(value)) {
    if (key === '' || key.includes('=') || key.includes('\0'))
      fail(name, 'without names that contain = or NUL', key);
    env[key] = text(item, `${name}.${key}`);
  }
  return env;
};

const absolutePath: Check<string> = (value, name) => {
  const path = text(value, name);
  return path.startsWith('/') ? path : fail(name, 'an absolute path', path);
};

function milliseconds(allowInfinity: boolean): Check<number> {
  // Node's timers take no longer than this.
  const most = 2 ** 31 - 1;
  return (value, name) => {
    if (typeof value === 'number' && ((value > 0 && value <= most) || (allowInfinity && value === Infinity)))
      return value;
    return fail(
      name,
      `a number of milliseconds above 0, at most ${most}${allowInfinity ? ', or Infinity' : ''}`,
      value,
    );
  };
}

const millisecondsOrInfinity = milliseconds(true);

const countOrNone: Check<number> = (value, name) =>
  Number.isSafeInteger(value) && (value as number) >= 0
    ? (value as number)
    : fail(name, 'a whole number', value);

const bytes: Check<number> = (value, name) =>
  Number.isSafeInteger(value) && (value as number) >= 0
    ? (value as number)
    : fail(name, 'a number of bytes', value);

/** Node 20 has no array of more than 4 GB. */
const mappableBytes: Check<number> = (value, name) =>
  bytes(value, name) <= constants.MAX_LENGTH
    ? (value as number)
    : fail(name, `at most ${constants.MAX_LENGTH}, which is what this Node can map`, value);

const standardSchema: Check<StandardSchema> = (value, name) =>
  isStandardSchema(value)
    ? value
    : fail(name, 'a schema with the Standard Schema interface, version 1', value);

const abortSignal: Check<AbortSignal | undefined> = (value, name) =>
  value instanceof AbortSignal ? value : fail(name, 'an AbortSignal', value);

const base: Check<string> = (value, name) => {
  if (value instanceof URL)
    return value.protocol === 'file:' ? value.href : fail(name, 'a file: URL', value.href);
  const path = text(value, name);
  if (path.startsWith('file:')) return path;
  return pathToFileURL(path).href;
};

export function checkZygoteOptions(options: ZygoteOptions | undefined): CheckedZygoteOptions {
  const reader = new Reader(options, 'options');
  const checked: CheckedZygoteOptions = {
    preload: reader.get('preload', texts, DEFAULT_PRELOAD),
    from: reader.get('from', base, pathToFileURL(`${process.cwd()}/`).href),
    env: reader.get('env', environment, {}),
    cwd: reader.get('cwd', absolutePath, DEFAULT_CWD),
    execPath: reader.get('execPath', absolutePath, process.execPath),
    execArgv: reader.get('execArgv', texts, []),
    typescript: reader.get<boolean | undefined>('typescript', flag, undefined),
    startTimeoutMs: reader.get('startTimeoutMs', milliseconds(false), DEFAULT_START_TIMEOUT_MS),
    idleTimeoutMs: reader.get('idleTimeoutMs', milliseconds(false), DEFAULT_IDLE_TIMEOUT_MS),
    sandbox: reader.get('sandbox', checkSandbox, checkSandbox({}, 'options.sandbox')),
    pool: reader.get('pool', checkPool, DEFAULT_POOL),
    rotation: reader.get('rotation', checkRotation, DEFAULT_ROTATION),
  };
  reader.end();
  return checked;
}

/** CHILDREN_PER_ZYGOTE of native/launcher/ids.h, less the one that is being made. */
const MOST_PARKED = 254;

function checkPool(value: unknown, name: string): PoolSize {
  const reader = new Reader(value, name);
  const checked = {
    min: reader.get('min', countOrNone, DEFAULT_POOL.min),
    max: reader.get('max', countOrNone, DEFAULT_POOL.max),
  };
  reader.end();
  if (checked.max < checked.min) fail(`${name}.max`, 'at least as large as min', checked.max);
  if (checked.max > MOST_PARKED) {
    fail(`${name}.max`, `${MOST_PARKED} at most, since a zygote has 255 children at once`, checked.max);
  }
  return checked;
}

function checkRotation(value: unknown, name: string): Required<RotationOptions> {
  const reader = new Reader(value, name);
  const countOrInfinity: Check<number> = (given, at) => (given === Infinity ? Infinity : count(given, at));
  const checked = {
    afterMs: reader.get('afterMs', millisecondsOrInfinity, DEFAULT_ROTATION.afterMs),
    afterChildren: reader.get('afterChildren', countOrInfinity, DEFAULT_ROTATION.afterChildren),
    afterCrash: reader.get('afterCrash', flag, DEFAULT_ROTATION.afterCrash),
  };
  reader.end();
  return checked;
}

/** As many as the launcher takes (MAX_BINDS of native/launcher/options.h). */
const MOST_FILES = 64;

/** The root of a child has its own of these. */
const OWN_FILES = ['/proc', '/dev', '/tmp'];

const hostFiles: Check<readonly string[]> = (value, name) => {
  const files = texts(value, name).map((item, index) => absolutePath(item, `${name}[${index}]`));
  if (files.length > MOST_FILES) fail(name, `at most ${MOST_FILES} paths`, value);
  for (const [index, file] of files.entries()) {
    const isOwn = OWN_FILES.some((own) => `${file}/`.startsWith(`${own}/`));
    if (file === '/' || isOwn || normalize(file) !== file)
      fail(`${name}[${index}]`, `a plain path, neither / nor within ${OWN_FILES.join(', ')}`, file);
  }
  return files;
};

function checkSandbox(options: unknown, name: string): CheckedSandboxOptions {
  const reader = new Reader(options, name);
  const paths: Check<readonly string[]> = (value, at) =>
    texts(value, at).map((item, index) => absolutePath(item, `${at}[${index}]`));
  const layers: Check<readonly SandboxLayer[]> = (value, at) =>
    texts(value, at).map((item, index) => oneOf(...SANDBOX_LAYERS)(item, `${at}[${index}]`));
  const given: Omit<CheckedSandboxOptions, 'network'> = {
    profile: reader.get('profile', oneOf<SandboxProfile>('compute', 'exec', 'network'), 'compute'),
    off: reader.get('off', layers, []),
    files: reader.get('files', hostFiles, []),
    uids: reader.get('uids', checkUids, DEFAULT_UIDS),
    cgroups: reader.get<readonly string[] | undefined>('cgroups', paths, undefined),
    limits: reader.get('limits', checkLimits, checkLimits({}, `${name}.limits`)),
  };
  const network = reader.get<CheckedNetworkOptions | undefined>('network', checkNetwork, undefined);
  reader.end();
  if (given.profile !== 'network') {
    if (network !== undefined) fail(`${name}.network`, `absent with the profile '${given.profile}'`, network);
    return { ...given, network };
  }
  // Without a namespace of its own there would be no firewall.
  if (given.off.includes('network'))
    fail(`${name}.off`, "without 'network' for the profile network", 'network');
  return { ...given, network: network ?? checkNetwork({}, `${name}.network`) };
}

function checkUids(value: unknown, name: string): CheckedSandboxOptions['uids'] {
  const reader = new Reader(value, name);
  const checked = { first: reader.get('first', count, 0), count: reader.get('count', count, 0) };
  reader.end();
  if (checked.count < 256)
    fail(`${name}.count`, 'at least 256, which is what one zygote takes', checked.count);
  if (checked.first < 1 || checked.first + checked.count > 2 ** 31)
    fail(name, 'within 1 to 2147483647', checked.first);
  return checked;
}

function checkLimits(value: unknown, name: string): Required<SandboxLimits> {
  const reader = new Reader(value, name);
  const checked = {
    memoryBytes: reader.get('memoryBytes', count, DEFAULT_MEMORY_BYTES),
    tasks: reader.get('tasks', count, DEFAULT_TASKS),
    openFiles: reader.get('openFiles', count, DEFAULT_OPEN_FILES),
    fileBytes: reader.get('fileBytes', count, DEFAULT_FILE_BYTES),
    tmpBytes: reader.get('tmpBytes', count, DEFAULT_TMP_BYTES),
    outputBytes: reader.get('outputBytes', count, DEFAULT_OUTPUT_BYTES),
    cpuMs: reader.get('cpuMs', millisecondsOrInfinity, Infinity),
  };
  reader.end();
  return checked;
}

const inputMode = oneOf<InputMode>('pipe', 'ignore');
const outputMode = oneOf<OutputMode>('pipe', 'capture', 'ignore', 'inherit');
const errorMode = oneOf<OutputMode | 'stdout'>('pipe', 'capture', 'ignore', 'inherit', 'stdout');
const sourceFormat = oneOf<SourceFormat>('auto', 'commonjs', 'module');

function readProcessOptions(
  reader: Reader,
  defaultTimeoutMs: number,
  output: OutputMode,
): CheckedProcessOptions {
  return {
    signal: reader.get('signal', abortSignal, undefined),
    timeoutMs: reader.get('timeoutMs', millisecondsOrInfinity, defaultTimeoutMs),
    argv: reader.get('argv', texts, []),
    env: reader.get<CheckedProcessOptions['env']>('env', environment, undefined),
    cwd: reader.get<string | undefined>('cwd', absolutePath, undefined),
    stdin: reader.get('stdin', inputMode, output === 'pipe' ? 'pipe' : 'ignore'),
    stdout: reader.get('stdout', outputMode, output),
    stderr: reader.get('stderr', errorMode, output),
    maxCaptureBytes: reader.get('maxCaptureBytes', bytes, DEFAULT_MAX_CAPTURE_BYTES),
  };
}

/** What the options are where there are none, by `output`: looked at once, and not for each call. */
const withoutOptions: Partial<Record<OutputMode, CheckedSpawnOptions>> = {};

/**
 * @param output what stdout and stderr are by default: `pipe` where there is a handle to read them from
 * @param preload what an adapter can be of
 */
export function checkSpawnOptions(
  options: SpawnOptions | undefined,
  output: OutputMode,
  preload: readonly string[],
): CheckedSpawnOptions {
  if (options === undefined) return (withoutOptions[output] ??= readSpawnOptions({}, output, preload));
  return readSpawnOptions(options, output, preload);
}

function readSpawnOptions(
  options: SpawnOptions,
  output: OutputMode,
  preload: readonly string[],
): CheckedSpawnOptions {
  const reader = new Reader(options, 'options');
  const processOptions = readProcessOptions(reader, DEFAULT_TIMEOUT_MS, output);
  const filename = reader.get('filename', text, DEFAULT_FILENAME);
  const checked: CheckedSpawnOptions = {
    ...processOptions,
    filename,
    typescript: /\.[cm]?ts$/.test(filename),
    format: reader.get('format', sourceFormat, 'auto'),
    schema: reader.get<StandardSchema | undefined>('schema', standardSchema, undefined),
    adapter: reader.get<CheckedAdapter | undefined>('adapter', adapterOf(preload), undefined),
    maxResultBytes: reader.get('maxResultBytes', bytes, DEFAULT_MAX_RESULT_BYTES),
    maxResultElements: reader.get('maxResultElements', count, DEFAULT_MAX_RESULT_ELEMENTS),
    maxTableBytes: reader.get('maxTableBytes', mappableBytes, DEFAULT_MAX_TABLE_BYTES),
  };
  reader.end();
  return checked;
}

export function checkProcessOptions(options: ProcessOptions | undefined): CheckedProcessOptions {
  const reader = new Reader(options, 'options');
  const checked = readProcessOptions(reader, Infinity, 'pipe');
  reader.end();
  return checked;
}

/** A function that a preloaded module exports. */
function readFunction(reader: Reader, preload: readonly string[]): CheckedAdapter {
  const module: Check<string> = (value, name) =>
    typeof value === 'string' && preload.includes(value)
      ? value
      : fail(name, `one of the preloaded modules (${preload.join(', ')})`, value);
  return { module: reader.required('module', module), export: reader.get('export', text, 'default') };
}

const adapterOf =
  (preload: readonly string[]): Check<CheckedAdapter> =>
  (value, name) => {
    const reader = new Reader(value, name);
    const checked = readFunction(reader, preload);
    reader.end();
    return checked;
  };

export function checkEntry(entry: Entry, preload: readonly string[]): CheckedEntry {
  const reader = new Reader(entry, 'entry');
  const array: Check<readonly unknown[]> = (value, name) =>
    Array.isArray(value) ? value : fail(name, 'an array', value);
  const checked: CheckedEntry = {
    ...readFunction(reader, preload),
    args: reader.get('args', array, []),
  };
  reader.end();
  return checked;
}

export function checkCode(code: unknown): string {
  return typeof code === 'string' ? code : fail('code', 'a string', code);
}
