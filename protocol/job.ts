/** What the host asks a child to do: `struct Job` of protocol.thrift. */
import { BinaryWriter } from './binary-writer.js';
import { ValueEncoder } from './encode-value.js';
import { BadMessageError } from './errors.js';
import { MAX_BYTES, MAX_DEPTH, type ValueLimits, withDefaults } from './limits.js';
import { readMessage } from './read-struct.js';
import { enumValue } from './schema.js';
import { allSteps } from './steps.js';
import { withPaths } from './refusal.js';
import { encodeValue, type PlainValue } from './value.js';
import { Encoded, type Rooted, writeMessage } from './write-struct.js';

/** How source text is to be read; `detect` leaves it to the text. */
export type SourceKind = 'detect' | 'commonjs' | 'module';

/** The source text of a module, whose default export is called with the params and the tables. */
export interface SourceTask<Value = PlainValue> {
  readonly kind: 'source';
  readonly code: string;
  /** The name of the source in stack traces. Nothing is read from it. */
  readonly filename: string;
  readonly sourceKind: SourceKind;
  /** Whether types have to be stripped first. */
  readonly typescript: boolean;
  readonly params: Value;
  /** Called with the module and what its default export would be called with, in the place of that. */
  readonly adapter?: Adapter | undefined;
}

/** A function that a preloaded module exports. */
export interface Adapter {
  readonly specifier: string;
  readonly exportName: string;
}

/** A function that a preloaded module exports, and what it is called with. */
export interface PreloadedTask<Value = PlainValue> {
  readonly kind: 'preloaded';
  readonly specifier: string;
  readonly exportName: string;
  readonly args: readonly Value[];
}

/** A range of one of the file descriptors that come with the message. */
export interface FileRange {
  /** An index into those file descriptors. */
  readonly fd: number;
  readonly offset: number;
  readonly length: number;
}

/** An Arrow IPC file or stream, or where it is. */
export interface InputTable {
  readonly name: string;
  readonly place: { readonly range: FileRange } | { readonly bytes: Uint8Array };
}

/** Which of the file descriptors that come with the message is which, as indices. One that is absent doesn't come. */
export interface JobFds {
  readonly stdin?: number | undefined;
  readonly stdout?: number | undefined;
  readonly stderr?: number | undefined;
  /** The write end of the pipe that the Result goes to. */
  readonly result?: number | undefined;
  /** The memfd that output tables go to. */
  readonly output?: number | undefined;
}

/** What the host will accept. The child checks it first, so that its user gets a message with a path in it. */
export interface JobLimits {
  readonly maxResultBytes: number;
  readonly maxResultDepth: number;
  readonly maxResultElements: number;
  readonly maxTableBytes: number;
}

/** `Value` is `unknown` for one who encodes, and {@link PlainValue} for one who decodes. */
export interface Job<Value = PlainValue> {
  readonly task: SourceTask<Value> | PreloadedTask<Value>;
  readonly tables: readonly InputTable[];
  readonly fds: JobFds;
  readonly limits: JobLimits;
  /** `process.argv` from the third element on. */
  readonly argv?: readonly string[] | undefined;
  /** `process.env`, as a whole. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  readonly cwd?: string | undefined;
}

const SOURCE_KINDS: Readonly<Record<SourceKind, number>> = {
  detect: enumValue('SourceKind', 'DETECT'),
  commonjs: enumValue('SourceKind', 'COMMONJS'),
  module: enumValue('SourceKind', 'MODULE'),
};

/**
 * @param limits of the message as a whole, and of the params or arguments in it
 * @returns the message, in one or more pieces that share no memory with the params
 * @throws {UnsupportedValueError | ValueTooLargeError} with a path that begins with `params` or `args`
 */
export function encodeJob(job: Job<unknown>, limits?: Partial<ValueLimits>): Buffer[] {
  const all = withDefaults(limits);
  return withPaths('job', () => {
    const writer = new BinaryWriter(all.maxBytes, usualBytes(job));
    writeMessage('Job', toRaw(job), writer, new ValueEncoder(writer, all));
    return writer.finish();
  });
}

/**
 * The params of a task as they are now, for a job that can't be encoded yet. They are given in the place of the params.
 *
 * @throws as {@link encodeJob}
 */
export function encodeParams(params: unknown): Encoded {
  return new Encoded(encodeValue(params, { root: 'params' }));
}

/** What a job with few params takes at most. */
function usualBytes({ task, tables }: Job<unknown>): number {
  let bytes = 1024 + (task.kind === 'source' ? 3 * task.code.length : 0);
  for (const { place } of tables) if ('bytes' in place) bytes += place.bytes.byteLength;
  return bytes;
}

/** `struct Job`, as the writer takes it and the strict reader gives it. */
interface RawJob<Value> {
  readonly task:
    | {
        readonly source: {
          readonly code: string;
          readonly filename: string;
          readonly kind: number;
          readonly typescript: boolean;
          readonly params: Value;
          readonly adapter?: Adapter | undefined;
        };
      }
    | {
        readonly preloaded: {
          readonly specifier: string;
          readonly exportName: string;
          readonly values: readonly Value[];
        };
      };
  readonly tables: readonly InputTable[];
  readonly fds: JobFds;
  readonly limits: JobLimits;
  readonly argv?: readonly string[] | undefined;
  readonly env?: readonly { readonly name: string; readonly value: string }[] | undefined;
  readonly cwd?: string | undefined;
}

function toRaw({ task, tables, fds, limits, argv, env, cwd }: Job<unknown>): RawJob<Rooted | Encoded> {
  return {
    task: toRawTask(task),
    tables,
    fds,
    limits,
    argv,
    env: env && Object.entries(env).map(([name, value]) => ({ name, value })),
    cwd,
  };
}

function toRawTask(task: Job<unknown>['task']): RawJob<Rooted | Encoded>['task'] {
  if (task.kind === 'preloaded') {
    const { specifier, exportName, args } = task;
    const values = args.map((value, index) => ({ value, root: `args[${index}]` }));
    return { preloaded: { specifier, exportName, values } };
  }
  const { code, filename, sourceKind, typescript, params, adapter } = task;
  const kind = SOURCE_KINDS[sourceKind];
  const value = params instanceof Encoded ? params : { value: params, root: 'params' };
  return { source: { code, filename, kind, typescript, params: value, adapter } };
}

/** The host has checked the sizes already, and a child has no reason to distrust it. */
const NO_LIMITS: ValueLimits = { maxBytes: MAX_BYTES, maxDepth: MAX_DEPTH, maxElements: Infinity };

/**
 * @param ownsBytes whether a Uint8Array in the params may be a view of the bytes: not if they are mapped read-only
 * @throws {BadMessageError}
 */
export function decodeJob(bytes: Uint8Array, { ownsBytes = false }: { ownsBytes?: boolean } = {}): Job {
  return withPaths('job', () => {
    const steps = readMessage('Job', bytes, NO_LIMITS, ownsBytes);
    // One by one: each `...rest` takes a child longer than all of them.
    const { task, tables, fds, limits, argv, env, cwd } = allSteps(steps) as unknown as RawJob<PlainValue>;
    return {
      task: toTask(task, bytes.byteLength),
      tables,
      fds,
      limits,
      argv,
      env: env && toEnvironment(env),
      cwd,
    };
  });
}

function toTask(task: RawJob<PlainValue>['task'], offset: number): Job['task'] {
  if ('preloaded' in task) {
    const { specifier, exportName, values } = task.preloaded;
    return { kind: 'preloaded', specifier, exportName, args: values };
  }
  const { code, filename, kind, typescript, params, adapter } = task.source;
  const sourceKind = toSourceKind(kind, offset);
  return { kind: 'source', code, filename, sourceKind, typescript, params, adapter };
}

function toSourceKind(kind: number, offset: number): SourceKind {
  switch (kind) {
    case SOURCE_KINDS.commonjs:
      return 'commonjs';
    case SOURCE_KINDS.module:
      return 'module';
    case SOURCE_KINDS.detect:
      return 'detect';
    default:
      throw new BadMessageError('job.task.source.kind', offset, 'no such kind');
  }
}

function toEnvironment(variables: NonNullable<RawJob<PlainValue>['env']>): Record<string, string> {
  // Without a prototype, so that `__proto__` is a name like any other.
  const env = Object.create(null) as Record<string, string>;
  for (const { name, value } of variables) {
    env[name] = value;
  }
  return env;
}
