/** The errors that this package throws. Match `code`, which is stable, and not the message. */
import { NodespawnerError } from '../protocol/errors.js';
import { childHint } from './hints.js';
import type { Result } from './types.js';

export { NodespawnerError, UnsupportedValueError, ValueTooLargeError } from '../protocol/errors.js';

/** What was expected, and what came. */
const parts = new WeakMap<InvalidOptionError, readonly [expected: string, received: unknown]>();

/** An option or an argument is not what it has to be: `ERR_INVALID_OPTION`. */
export class InvalidOptionError extends NodespawnerError {
  declare readonly code: 'ERR_INVALID_OPTION';
  /** Its name, such as `options.timeoutMs`. */
  readonly option: string;

  constructor(option: string, expected: string, received: unknown, options?: ErrorOptions) {
    super('ERR_INVALID_OPTION', `${option} must be ${expected}, but is ${describe(received)}`, options);
    this.option = option;
    parts.set(this, [expected, received]);
  }
}

/** The same of an option that its caller knows by another name. */
export function renamed(error: InvalidOptionError, option: string): InvalidOptionError {
  const [expected, received] = parts.get(error) ?? [];
  if (expected === undefined || option === error.option) return error;
  const { cause } = error;
  return new InvalidOptionError(option, expected, received, cause === undefined ? {} : { cause });
}

/**
 * A zygote could not be started. `code` says why: `ERR_PRELOAD_FAILED`, `ERR_THREAD_NOT_CARRIED`, `ERR_FD_NOT_CARRIED`,
 * `ERR_SANDBOX_UNAVAILABLE`, `ERR_RUNTIME_UNSUPPORTED`, `ERR_LIBC_UNSUPPORTED`, `ERR_START_TIMED_OUT`, or `ERR_START_FAILED` for everything else.
 */
export class ZygoteStartError extends NodespawnerError {
  /** What the zygote had written to its stdout and stderr. */
  readonly output: string;

  constructor(code: string, message: string, output: string, options?: ErrorOptions) {
    super(
      code,
      output === '' ? message : `${message}\n--- output of the zygote ---\n${output.trimEnd()}`,
      options,
    );
    this.output = output;
  }
}

/** The zygote is not there any more: `ERR_ZYGOTE_DIED` or, after close(), `ERR_ZYGOTE_CLOSED`. */
export class ZygoteGoneError extends NodespawnerError {
  declare readonly code: 'ERR_ZYGOTE_DIED' | 'ERR_ZYGOTE_CLOSED';
}

/** @param end how its process ended, if that is known, and what it had to say */
export function zygoteGone(how: 'died' | 'closed', end = ''): ZygoteGoneError {
  return how === 'closed'
    ? new ZygoteGoneError('ERR_ZYGOTE_CLOSED', 'the zygote was closed')
    : new ZygoteGoneError(
        'ERR_ZYGOTE_DIED',
        `the zygote died${end}, and with it all its children; start() another`,
      );
}

/** The kernel refused a child, or a step of confining it failed: `ERR_SPAWN_FAILED`. */
export class SpawnError extends NodespawnerError {
  declare readonly code: 'ERR_SPAWN_FAILED';
  /** The system call, such as `clone(CLONE_NEWPID)`. */
  readonly syscall: string;
  /** The name of its errno, such as `EAGAIN`. */
  readonly errno: string;

  constructor(syscall: string, errno: string, hint = '', options?: ErrorOptions) {
    super(
      'ERR_SPAWN_FAILED',
      `no child: ${syscall} failed with ${errno}${hint === '' ? '' : `; ${hint}`}`,
      options,
    );
    this.syscall = syscall;
    this.errno = errno;
  }
}

/**
 * A result could not be read, and that was not the child's doing: `ERR_HOST_FAILED`. The host has reached a limit of its own,
 * on memory or on descriptors, or this package has a bug. `cause` is what was thrown.
 */
export class HostError extends NodespawnerError {
  declare readonly code: 'ERR_HOST_FAILED';

  constructor(doing: string, cause: unknown) {
    super(
      'ERR_HOST_FAILED',
      `the host failed to ${doing}: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    );
  }
}

const CHILD_CODES = {
  threw: 'ERR_CHILD_THREW',
  exited: 'ERR_CHILD_EXITED',
  signaled: 'ERR_CHILD_SIGNALED',
  timedOut: 'ERR_CHILD_TIMED_OUT',
  canceled: 'ERR_CHILD_CANCELED',
  badOutput: 'ERR_CHILD_BAD_OUTPUT',
  limitExceeded: 'ERR_CHILD_LIMIT_EXCEEDED',
  outOfMemory: 'ERR_CHILD_OUT_OF_MEMORY',
  forbidden: 'ERR_CHILD_FORBIDDEN',
} as const;

export type FailedResult = Exclude<Result, { status: 'ok' }>;

/** What `run()` throws for a result that is not `ok`: `ERR_CHILD_THREW`, `ERR_CHILD_TIMED_OUT` and so on. */
export class ChildError extends NodespawnerError {
  declare readonly code: (typeof CHILD_CODES)[keyof typeof CHILD_CODES];
  readonly result: FailedResult;

  constructor(result: FailedResult) {
    super(CHILD_CODES[result.status], explain(result));
    this.result = result;
  }
}

function explain(result: FailedResult): string {
  switch (result.status) {
    case 'threw': {
      const hint = childHint(result.error);
      return `the child threw ${result.error.name}: ${result.error.message}${hint === undefined ? '' : ` (${hint})`}`;
    }
    case 'exited':
      return `the child exited with code ${result.exitCode} before it returned${
        result.exitCode === 13 ? ': what it awaits is never going to settle' : ''
      }`;
    case 'signaled':
      return `the child was ended by ${result.signal}`;
    case 'timedOut':
      return `the child did not end within ${result.timeoutMs} ms`;
    case 'canceled':
      return 'the child was canceled';
    case 'badOutput':
      return `the child gave a result that can't be used${at(result.path)}: ${result.reason}`;
    case 'limitExceeded':
      return `the child exceeded ${result.limit}, which is ${result.max}`;
    case 'outOfMemory':
      return 'the child ran out of memory';
    case 'forbidden':
      return `the child made a system call that is forbidden: ${result.syscall}`;
  }
}

const at = (path = ''): string => (path === '' ? '' : ` (${path})`);

function describe(value: unknown): string {
  if (typeof value === 'string') return `'${value.length > 80 ? `${value.slice(0, 80)}…` : value}'`;
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'object' && value !== null) return Object.prototype.toString.call(value);
  return typeof value === 'function' ? 'a function' : String(value);
}
