/** What the host asks a child to do: `struct Job` of protocol.thrift. */
import { BinaryWriter } from './binary-writer.js';
import { ValueEncoder } from './encode-value.js';
import { BadMessageError } from './errors.js';
import type { SourceKind as GeneratedSourceKind } from './gen/protocol_types.js';
import { asInt64, generated, lazyValue, writeStruct } from './generated.js';
import { MAX_BYTES, MAX_DEPTH, type ValueLimits, withDefaults } from './limits.js';
import { readMessage } from './read-struct.js';
import { allSteps } from './steps.js';
import { withPaths } from './refusal.js';
import type { PlainValue } from './value.js';

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
  readonly adapter?: Adapter;
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

/** An Arrow IPC file or stream: a range of one of the file descriptors that come with the message. */
export interface InputTable {
  readonly name: string;
  /** An index into those file descriptors. */
  readonly fd: number;
  readonly offset: number;
  readonly length: number;
}

/** Which of the file descriptors that come with the message is which, as indices. One that is absent doesn't come. */
export interface JobFds {
  readonly stdin?: number;
  readonly stdout?: number;
  readonly stderr?: number;
  /** The write end of the pipe that the Result goes to. */
  readonly result?: number;
  /** The memfd that output tables go to. */
  readonly output?: number;
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
  readonly argv?: readonly string[];
  /** `process.env`, as a whole. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

const SOURCE_KINDS: Readonly<Record<SourceKind, GeneratedSourceKind>> = {
  detect: generated.SourceKind.DETECT,
  commonjs: generated.SourceKind.COMMONJS,
  module: generated.SourceKind.MODULE,
};

/**
 * @param limits of the message as a whole, and of the params or arguments in it
 * @returns the message, in one or more pieces that share no memory with the params
 * @throws {UnsupportedValueError | ValueTooLargeError} with a path that begins with `params` or `args`
 */
export function encodeJob(job: Job<unknown>, limits?: Partial<ValueLimits>): Buffer[] {
  const all = withDefaults(limits);
  return withPaths('job', () => {
    const writer = new BinaryWriter(all.maxBytes);
    writeStruct(toGenerated(job, new ValueEncoder(writer, all)), writer);
    return writer.finish();
  });
}

function toGenerated(job: Job<unknown>, encoder: ValueEncoder): object {
  const struct = new generated.Job();
  struct.task = new generated.Task();
  if (job.task.kind === 'source') {
    const source = new generated.Source();
    source.code = job.task.code;
    source.filename = job.task.filename;
    source.kind = SOURCE_KINDS[job.task.sourceKind];
    source.typescript = job.task.typescript;
    source.params = lazyValue(job.task.params, 'params', encoder);
    if (job.task.adapter !== undefined) source.adapter = new generated.Adapter(job.task.adapter);
    struct.task.source = source;
  } else {
    const preloaded = new generated.Preloaded();
    preloaded.specifier = job.task.specifier;
    preloaded.exportName = job.task.exportName;
    preloaded.values = job.task.args.map((value, index) => lazyValue(value, `args[${index}]`, encoder));
    struct.task.preloaded = preloaded;
  }
  struct.tables = job.tables.map(({ name, fd, offset, length }) => {
    return new generated.InputTable({ name, fd, offset: asInt64(offset), length: asInt64(length) });
  });
  struct.fds = new generated.Fds(job.fds);
  struct.limits = new generated.Limits({
    maxResultBytes: asInt64(job.limits.maxResultBytes),
    maxResultDepth: job.limits.maxResultDepth,
    maxResultElements: asInt64(job.limits.maxResultElements),
    maxTableBytes: asInt64(job.limits.maxTableBytes),
  });
  if (job.argv !== undefined) {
    struct.argv = [...job.argv];
  }
  if (job.env !== undefined) {
    struct.env = Object.entries(job.env).map(([name, value]) => new generated.Variable({ name, value }));
  }
  if (job.cwd !== undefined) {
    struct.cwd = job.cwd;
  }
  return struct;
}

/** `struct Job` as the strict reader gives it. */
interface RawJob {
  task:
    | {
        source: {
          code: string;
          filename: string;
          kind: GeneratedSourceKind;
          typescript: boolean;
          params: PlainValue;
          adapter?: Adapter;
        };
      }
    | { preloaded: { specifier: string; exportName: string; values: PlainValue[] } };
  tables: InputTable[];
  fds: JobFds;
  limits: JobLimits;
  argv?: string[];
  env?: { name: string; value: string }[];
  cwd?: string;
}

/** The host has checked the sizes already, and a child has no reason to distrust it. */
const NO_LIMITS: ValueLimits = { maxBytes: MAX_BYTES, maxDepth: MAX_DEPTH, maxElements: Infinity };

/**
 * @param ownsBytes whether a Uint8Array in the params may be a view of the bytes: not if they are mapped read-only
 * @throws {BadMessageError}
 */
export function decodeJob(bytes: Uint8Array, { ownsBytes = false }: { ownsBytes?: boolean } = {}): Job {
  return withPaths('job', () => {
    const { task, env, ...rest } = allSteps(
      readMessage('Job', bytes, NO_LIMITS, ownsBytes),
    ) as unknown as RawJob;
    return { task: toTask(task, bytes.byteLength), ...rest, ...(env && { env: toEnvironment(env) }) };
  });
}

function toTask(task: RawJob['task'], offset: number): Job['task'] {
  if ('preloaded' in task) {
    const { specifier, exportName, values } = task.preloaded;
    return { kind: 'preloaded', specifier, exportName, args: values };
  }
  const { kind, ...rest } = task.source;
  return { kind: 'source', ...rest, sourceKind: toSourceKind(kind, offset) };
}

function toSourceKind(kind: GeneratedSourceKind, offset: number): SourceKind {
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

function toEnvironment(variables: { name: string; value: string }[]): Record<string, string> {
  // Without a prototype, so that `__proto__` is a name like any other.
  const env = Object.create(null) as Record<string, string>;
  for (const { name, value } of variables) {
    env[name] = value;
  }
  return env;
}
