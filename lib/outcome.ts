/** From what is left of a child to its result. */
import { decodeResult } from '../protocol/messages.js';
import { BadMessageError, ValueTooLargeError } from '../protocol/errors.js';
import type { Outcome } from '../protocol/messages.js';
import type { Collected } from './collect.js';
import { BadTableError, readOutput } from './output-tables.js';
import type { CheckedSpawnOptions } from './options.js';
import type { Ended } from './running-child.js';
import type { LimitName, Result } from './types.js';
import { RESULT_LIMITS } from './result-limits.js';

type Fate = Result extends infer R ? (R extends unknown ? Omit<R, 'usage' | 'stdout' | 'stderr'> : never) : never;

/** The names that the codec has for its limits, and the options that set them here. */
const LIMIT_NAMES: Readonly<Record<string, LimitName>> = {
  maxBytes: 'maxResultBytes',
  maxDepth: 'maxResultDepth',
  maxElements: 'maxResultElements',
  maxTableBytes: 'maxTableBytes',
};

/** @param result what came through the result pipe */
export async function toResult(
  ended: Ended,
  result: Collected,
  outputFd: number,
  options: CheckedSpawnOptions,
): Promise<Result> {
  const { usage, stdout, stderr } = ended;
  const common = { usage, ...(stdout && { stdout }), ...(stderr && { stderr }) };
  return { ...common, ...(await toFate(ended, result, outputFd, options)) } as Result;
}

async function toFate(
  ended: Ended,
  { bytes, truncated }: Collected,
  outputFd: number,
  options: CheckedSpawnOptions,
): Promise<Fate> {
  if (truncated) return exceeded('maxBytes', options);
  let outcome: Outcome | undefined;
  let refusal: Fate | undefined;
  if (bytes.byteLength > 0) {
    try {
      const limits = { ...RESULT_LIMITS, maxBytes: options.maxResultBytes };
      outcome = decodeResult(bytes, limits, { ownsBytes: true });
    } catch (error) {
      refusal = refused(error, options);
    }
  }
  // What the code returned counts only if its process then ended in the orderly way.
  if (outcome?.kind === 'returned' && ended.exitCode === 0) return returned(outcome, outputFd, options);
  if (ended.killed?.kind === 'timedOut') return { status: 'timedOut', timeoutMs: options.timeoutMs };
  if (ended.killed?.kind === 'canceled') return { status: 'canceled', reason: ended.killed.reason };
  if (outcome?.kind === 'threw') {
    const { error, causes } = outcome;
    return { status: 'threw', error: { ...withStack(error), causes: causes.map(withStack) } };
  }
  if (outcome?.kind === 'badReturn') {
    const limit = outcome.code === 'ERR_VALUE_TOO_LARGE' ? /^exceeds (\w+),/.exec(outcome.reason)?.[1] : undefined;
    if (limit !== undefined && Object.hasOwn(LIMIT_NAMES, limit)) return exceeded(limit, options);
    return { status: 'badOutput', reason: outcome.reason, path: outcome.path };
  }
  if (ended.signal !== null) return { status: 'signaled', signal: ended.signal };
  if (refusal !== undefined) return refusal;
  return { status: 'exited', exitCode: ended.exitCode ?? 0 };
}

async function returned(
  outcome: Extract<Outcome, { kind: 'returned' }>,
  outputFd: number,
  options: CheckedSpawnOptions,
): Promise<Fate> {
  try {
    const tables = await readOutput(outputFd, options.maxTableBytes, outcome.tables);
    return { status: 'ok', value: outcome.value, tables };
  } catch (error) {
    if (!(error instanceof BadTableError)) throw error;
    return { status: 'badOutput', reason: error.message, path: error.path };
  }
}

function refused(error: unknown, options: CheckedSpawnOptions): Fate {
  if (error instanceof ValueTooLargeError) return exceeded(error.limit, options);
  if (error instanceof BadMessageError) return { status: 'badOutput', reason: error.message, path: error.path };
  throw error;
}

function exceeded(codecLimit: string, options: CheckedSpawnOptions): Fate {
  const limit = LIMIT_NAMES[codecLimit] ?? 'maxResultBytes';
  const max = {
    maxResultBytes: options.maxResultBytes,
    maxTableBytes: options.maxTableBytes,
    maxResultDepth: RESULT_LIMITS.maxDepth,
    maxResultElements: RESULT_LIMITS.maxElements,
  }[limit];
  return { status: 'limitExceeded', limit, max };
}

function withStack<T extends { name: string; message: string; stack?: string }>(error: T): T & { stack: string } {
  return { ...error, stack: error.stack ?? `${error.name}: ${error.message}` };
}
