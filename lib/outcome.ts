/** From what is left of a child to its result. */
import { getSystemErrorName } from 'node:util';
import { decodeResult, decodeResultInSteps } from '../protocol/messages.js';
import { BadMessageError, ValueTooLargeError } from '../protocol/errors.js';
import type { Outcome } from '../protocol/messages.js';
import type { ValueLimits } from '../protocol/limits.js';
import type { PlainValue } from '../protocol/value.js';
import type { Collected } from './collect.js';
import { HostError } from './errors.js';
import { BadTableError, readOutput } from './output-tables.js';
import { SchemaMismatchError, validateWithSchema, type SchemaIssue } from './schema.js';
import type { CheckedSpawnOptions } from './options.js';
import { placesIn } from './place.js';
import { limitBehindError } from './refusals.js';
import type { Ended } from './running-child.js';
import type { SharedMemory } from './shared-memory.js';
import type { LimitName, Place, Result } from './types.js';
import type { ZygoteContext } from './zygote-context.js';
import { MAX_RESULT_DEPTH } from './result-limits.js';
import { inTurns, nextTurn } from './turns.js';

type Fate = Result extends infer R
  ? R extends unknown
    ? Omit<R, 'usage' | 'sandbox' | 'stdout' | 'stderr'>
    : never
  : never;

/** What a child was confined by. */
type Confinement = Pick<ZygoteContext, 'limits' | 'memory'>;

type ResultLimit = Extract<LimitName, `max${string}`>;

/** What is read at once. */
const SMALL_BYTES = 16 * 1024;

/** The names that the codec has for its limits, and the options that set them here. */
const LIMIT_NAMES: Readonly<Record<string, ResultLimit>> = {
  maxBytes: 'maxResultBytes',
  maxDepth: 'maxResultDepth',
  maxElements: 'maxResultElements',
  maxTableBytes: 'maxTableBytes',
};

/** What came through the result pipe. */
export interface Answer extends Collected {
  /** What it says, where that was read before it is known how the child ended: nothing of it counts until then. */
  readonly said?: Said;
}

type Said = { readonly outcome: Outcome } | { readonly error: unknown };

/** Reads what is little as soon as it has come: the kernel takes longer to end the child. */
export function readAnswer(collected: Collected, options: CheckedSpawnOptions): Answer {
  const { bytes, truncated, errno } = collected;
  if (truncated || errno !== 0 || bytes.byteLength === 0 || bytes.byteLength > SMALL_BYTES) return collected;
  try {
    return {
      ...collected,
      said: { outcome: decodeResult(bytes, codecLimits(options), { ownsBytes: true }) },
    };
  } catch (error) {
    return { ...collected, said: { error } };
  }
}

/** Whether the output memfd is of no use any more, whatever becomes of the child. */
export function hasNoTables({ said }: Answer): boolean {
  if (said === undefined) return false;
  return 'error' in said || said.outcome.kind !== 'returned' || said.outcome.tables.length === 0;
}

async function readInTurns(bytes: Buffer, options: CheckedSpawnOptions): Promise<Said> {
  try {
    // Of many that come at once, each in its turn.
    if (bytes.byteLength > SMALL_BYTES) await nextTurn();
    return { outcome: await inTurns(decodeResultInSteps(bytes, codecLimits(options), { ownsBytes: true })) };
  } catch (error) {
    return { error };
  }
}

function codecLimits(options: CheckedSpawnOptions): ValueLimits {
  return {
    maxBytes: options.maxResultBytes,
    maxElements: options.maxResultElements,
    maxDepth: MAX_RESULT_DEPTH,
  };
}

/**
 * @param reaped how the child itself ended
 * @param over what the kernel has counted besides, once everything of the child is gone
 * @throws {HostError}; what a schema throws that is no issue of the value's
 */
export async function toResult(
  reaped: Ended,
  over: Promise<Ended>,
  answer: Answer,
  output: SharedMemory,
  options: CheckedSpawnOptions,
  confinement: Confinement,
): Promise<Result> {
  const { usage, sandbox, stdout, stderr } = reaped;
  const common = { usage, sandbox, ...(stdout && { stdout }), ...(stderr && { stderr }) };
  return { ...common, ...(await toFate(reaped, over, answer, output, options, confinement)) };
}

async function toFate(
  reaped: Ended,
  over: Promise<Ended>,
  answer: Answer,
  output: SharedMemory,
  options: CheckedSpawnOptions,
  confinement: Confinement,
): Promise<Fate> {
  const { limits: sandboxLimits, memory } = confinement;
  const { bytes, truncated, errno } = answer;
  if (errno !== 0) throw new HostError('read a result', getSystemErrorName(-errno));
  let outcome: Outcome | undefined;
  // SECURITY: no more than a refusal: a child could hide by it what the kernel has counted.
  let refusal: Fate | undefined = truncated ? exceeded('maxBytes', options) : undefined;
  if (!truncated && bytes.byteLength > 0) {
    const said = answer.said ?? (await readInTurns(bytes, options));
    if ('error' in said) refusal = refused(said.error, options);
    else outcome = said.outcome;
  }
  // What the code returned counts only if its process then ended in the orderly way.
  if (outcome?.kind === 'returned' && reaped.exitCode === 0) return returned(outcome, output, options, over);
  const ended = await over;
  if (ended.forbidden !== null) return { status: 'forbidden', syscall: ended.forbidden };
  if (ended.oomKills > 0) return { status: 'outOfMemory' };
  // What the host has counted itself, and has ended it for.
  if (truncated && refusal !== undefined) return refusal;
  // Before anything that the child has said of itself.
  if (ended.killed?.kind === 'timedOut') return { status: 'timedOut', timeoutMs: options.timeoutMs };
  if (ended.killed?.kind === 'canceled') return { status: 'canceled', reason: ended.killed.reason };
  if (ended.killed?.kind === 'limitExceeded' && ended.killed.limit === 'outputBytes') {
    return { status: 'limitExceeded', limit: 'outputBytes', max: sandboxLimits.outputBytes };
  }
  if (outcome?.kind === 'outOfMemory' || crashedForMemory(ended, confinement))
    return { status: 'outOfMemory' };
  const limit = limitBehind(ended, sandboxLimits.cpuMs);
  if (limit !== undefined) return { status: 'limitExceeded', limit, max: sandboxLimits[limit] };
  // What it has said counts only if it then ended by itself.
  if (ended.signal !== null) return { status: 'signaled', signal: ended.signal };
  if (outcome?.kind === 'threw') {
    const { error, causes } = outcome;
    const ranOut = limitBehindError([error, ...causes], sandboxLimits);
    const describe = (each: typeof error) => describeError(each, options.filename);
    const described = { ...describe(error), causes: causes.map(describe) };
    if (ranOut === 'memoryBytes') return { status: 'outOfMemory', error: described };
    // A control group would have counted a task that was refused.
    if (ranOut === undefined || (ranOut === 'tasks' && memory.startsWith('cgroup'))) {
      return { status: 'threw', error: described };
    }
    return { status: 'limitExceeded', limit: ranOut, max: sandboxLimits[ranOut], error: described };
  }
  if (outcome?.kind === 'badReturn') {
    const { limit: codecLimit } = outcome;
    if (codecLimit !== undefined && Object.hasOwn(LIMIT_NAMES, codecLimit))
      return exceeded(codecLimit, options);
    return { status: 'badOutput', reason: outcome.reason, path: outcome.path };
  }
  if (refusal !== undefined) return refusal;
  return { status: 'exited', exitCode: ended.exitCode ?? 0 };
}

function pathOf(issue: SchemaIssue | undefined): string[] {
  return (issue?.path ?? []).map((segment) => String(typeof segment === 'object' ? segment.key : segment));
}

/** Signals that end a runtime which was refused memory where it can't do without. */
const CRASHES: readonly (string | null)[] = ['SIGSEGV', 'SIGABRT', 'SIGTRAP', 'SIGILL', 'SIGBUS'];

/**
 * Without control groups nobody counts refusals: it is a guess from what the child had in the end, or from the signal by
 * which V8 ends a process that can't have memory for a new thread.
 */
function crashedForMemory({ signal, usage }: Ended, { limits, memory }: Confinement): boolean {
  if (memory !== 'rlimit' || !CRASHES.includes(signal)) return false;
  return signal === 'SIGTRAP' || usage.peakMemoryBytes > limits.memoryBytes * 0.75;
}

/** The limit of the sandbox that ended the child, if one did. */
function limitBehind(ended: Ended, cpuMs: number): 'tasks' | 'cpuMs' | undefined {
  const { userMs, systemMs } = ended.usage;
  // One may send it to itself. For the limit the kernel counts ticks of its clock, which need not agree with the times.
  if (ended.signal === 'SIGXCPU' && userMs + systemMs >= cpuMs / 2) return 'cpuMs';
  // What is left of one who ignored SIGXCPU.
  if (ended.signal === 'SIGKILL' && userMs + systemMs >= cpuMs) return 'cpuMs';
  // A program that copes with a fork that failed goes on, and is none the worse for it.
  if (ended.taskFails > 0) return 'tasks';
  return undefined;
}

async function returned(
  outcome: Extract<Outcome, { kind: 'returned' }>,
  output: SharedMemory,
  options: CheckedSpawnOptions,
  over: Promise<Ended>,
): Promise<Fate> {
  try {
    const tables = await readOutput(output, options.maxTableBytes, outcome.tables, over);
    const { schema } = options;
    const value = schema === undefined ? outcome.value : await validateWithSchema(schema, outcome.value);
    return { status: 'ok', value: value as PlainValue, tables };
  } catch (error) {
    if (error instanceof SchemaMismatchError) {
      return {
        status: 'badOutput',
        reason: error.message,
        path: ['value', ...pathOf(error.issues[0])].join('.'),
      };
    }
    if (!(error instanceof BadTableError)) throw error;
    return { status: 'badOutput', reason: error.message, path: error.path };
  }
}

function refused(error: unknown, options: CheckedSpawnOptions): Fate {
  if (error instanceof ValueTooLargeError) return exceeded(error.limit, options);
  if (error instanceof BadMessageError)
    return { status: 'badOutput', reason: error.message, path: error.path };
  throw new HostError('decode a result', error);
}

function exceeded(codecLimit: string, options: CheckedSpawnOptions): Fate {
  const limit = LIMIT_NAMES[codecLimit] ?? 'maxResultBytes';
  const max = {
    maxResultBytes: options.maxResultBytes,
    maxTableBytes: options.maxTableBytes,
    maxResultDepth: MAX_RESULT_DEPTH,
    maxResultElements: options.maxResultElements,
  }[limit];
  return { status: 'limitExceeded', limit, max };
}

function describeError<T extends { name: string; message: string; stack?: string }>(
  error: T,
  filename: string,
): T & { stack: string; place?: Place } {
  const stack = error.stack ?? `${error.name}: ${error.message}`;
  const [place] = placesIn(stack, filename);
  return { ...error, stack, ...(place && { place }) };
}
