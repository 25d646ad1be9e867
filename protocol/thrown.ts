/** What user code threw, as text. It may be anything, and looking at it may throw again. */
import { inspect, types } from 'node:util';

/** What is left of an error when it leaves its process. */
export interface ErrorText {
  readonly name: string;
  readonly message: string;
  readonly stack?: string;
  readonly code?: string;
}

export interface Threw {
  readonly kind: 'threw';
  readonly error: ErrorText;
  /** `error.cause`, its cause, and so on, up to {@link MAX_CAUSES}. */
  readonly causes: readonly ErrorText[];
}

export const MAX_CAUSES = 8;
/** The longest name, message, stack or code, in characters; the rest is cut off. */
export const MAX_ERROR_TEXT = 64 * 1024;

/** Never throws. */
export function describeThrown(thrown: unknown): Threw {
  const causes: ErrorText[] = [];
  const seen = new Set<unknown>([thrown]);
  let cause = read(thrown, 'cause');
  while (cause !== undefined && cause !== null && causes.length < MAX_CAUSES && !seen.has(cause)) {
    seen.add(cause);
    causes.push(describe(cause));
    cause = read(cause, 'cause');
  }
  return { kind: 'threw', error: describe(thrown), causes };
}

function describe(thrown: unknown): ErrorText {
  const message = read(thrown, 'message');
  if (typeof message !== 'string' || !isError(thrown)) {
    return { name: 'NonError', message: inspectSafely(thrown) };
  }
  const name = read(thrown, 'name');
  const stack = read(thrown, 'stack');
  const code = read(thrown, 'code');
  return {
    name: typeof name === 'string' ? clip(name) : 'Error',
    message: clip(message),
    ...(typeof stack === 'string' && { stack: clip(stack) }),
    ...(typeof code === 'string' && { code: clip(code) }),
  };
}

function isError(thrown: unknown): boolean {
  try {
    return types.isNativeError(thrown) || thrown instanceof Error;
  } catch {
    return false;
  }
}

/** Reads a property of what may be no object, or one whose properties throw. */
function read(thrown: unknown, key: string): unknown {
  try {
    return thrown === undefined || thrown === null ? undefined : (thrown as Record<string, unknown>)[key];
  } catch {
    return undefined;
  }
}

function inspectSafely(thrown: unknown): string {
  try {
    return clip(typeof thrown === 'string' ? thrown : inspect(thrown));
  } catch {
    return `(a thrown ${typeof thrown} that can't be shown)`;
  }
}

/** Cuts a text, and mends what UTF-8 has no bytes for: for a human to read that is better than nothing. */
export function clip(text: string, length: number = MAX_ERROR_TEXT): string {
  const cut = text.length > length ? `${text.slice(0, length)}…` : text;
  return (cut as string & { toWellFormed(): string }).toWellFormed();
}
