/** What became of a child, in words for the user whose code it ran. */
import { InvalidOptionError, ZygoteStartError } from '../lib/errors.js';
import type { ActiveSandbox, ErrorDescription, LimitName, Result } from '../lib/index.js';
import { errorText } from '../lib/error-text.js';
import { childHint } from '../lib/hints.js';
import { cleanText, filenameOf, ownStack, placeIn, placeOfImport } from './place.js';
import type { Message, Step, StepCall } from './types.js';

export type FailedResult = Exclude<Result, { status: 'ok' | 'canceled' }>;

/** What users know as their function, and what is done with a module before any is called. */
const WHAT: Readonly<Record<StepCall, string>> = {
  render: 'render()',
  fetch: 'fetch()',
  migrateParams: 'migrateParams()',
  validate: 'The code of the step',
};

/** What there was too much of. */
const LIMITS: Readonly<Record<LimitName, (max: number) => string>> = {
  outputBytes: (max) => `printed more than ${bytes(max)}`,
  maxResultBytes: (max) => `gave more than ${bytes(max)} besides its table`,
  maxTableBytes: (max) => `gave a table of more than ${bytes(max)}`,
  maxResultDepth: (max) => `gave a value that nests more than ${max} deep`,
  maxResultElements: (max) => `gave a value of more than ${max} elements`,
  tasks: (max) => `started more than ${max} processes and threads`,
  openFiles: (max) => `opened more than ${max} files at once`,
  fileBytes: (max) => `wrote a file of more than ${bytes(max)}`,
  tmpBytes: (max) => `wrote more than ${bytes(max)} to /tmp`,
  cpuMs: (max) => `took more than ${seconds(max)} of processor time`,
};

/** Of which the operator hears what to install. */
export const TYPESCRIPT_UNAVAILABLE = 'ERR_TYPESCRIPT_UNAVAILABLE';

/** What a connection that the sandbox refuses fails with. Most of them have other reasons, too: the hint is true then as well. */
const REFUSED: Readonly<Record<'listed' | 'none', readonly string[]>> = {
  listed: ['EHOSTUNREACH', 'EAFNOSUPPORT'],
  none: ['EPERM', 'EACCES', 'ENETUNREACH', 'EAFNOSUPPORT', 'EAI_AGAIN'],
};
/** Calls other than these fail with EPERM or EACCES, too. */
const CONNECTING = /\b(?:connect|getaddrinfo) E[A-Z_]+/;

/** Undefined if the network has nothing to do with it. */
function networkHint(error: ErrorDescription, what: string, sandbox: ActiveSandbox): string | undefined {
  if (!sandbox.layers.includes('network')) return undefined;
  const codes = REFUSED[sandbox.profile === 'network' ? 'listed' : 'none'];
  const isRefused = [error, ...error.causes].some(
    ({ code = '', message }) => codes.includes(code) && CONNECTING.test(message),
  );
  if (!isRefused) return undefined;
  return sandbox.profile === 'network'
    ? `${what} may connect only to what whoever runs this service has listed`
    : `${what} has no network here`;
}

/** What node exits with when a promise is awaited that nothing is going to settle. */
const NOTHING_TO_WAIT_FOR = 13;

export function failureMessage(
  result: FailedResult,
  call: StepCall,
  step: Step,
  memoryBytes: number,
): Message {
  const what = WHAT[call];
  switch (result.status) {
    case 'threw': {
      const { error } = result;
      if (error.code === TYPESCRIPT_UNAVAILABLE)
        return { code: 'threw', text: 'TypeScript is not available here: write this step in JavaScript.' };
      const stacks = [error, ...error.causes].map(({ stack }) => stack);
      const place =
        stacks.map((stack) => placeIn(stack, step)).find((found) => found !== undefined) ??
        placeOfImport(error.message, step);
      const hint = networkHint(error, what, result.sandbox) ?? childHint(error);
      return {
        code: 'threw',
        text: `${cleanText(errorText(error))}${hint === undefined ? '' : ` (${hint})`}`,
        ...(place && { place }),
        stack: cleanText(ownStack(error.stack, step)),
      };
    }
    case 'exited':
      return {
        code: 'exited',
        text:
          result.exitCode === NOTHING_TO_WAIT_FOR
            ? `${what} waits for something that never comes.`
            : `${what} ended its process with code ${result.exitCode} before it returned.`,
      };
    case 'signaled':
      return { code: 'signaled', text: `${what} crashed its process (${result.signal}).` };
    case 'timedOut':
      return {
        code: 'timedOut',
        text: `${what} took longer than ${seconds(result.timeoutMs)} and was stopped.`,
      };
    case 'outOfMemory':
      return { code: 'outOfMemory', text: `${what} needed more than ${bytes(memoryBytes)} of memory.` };
    case 'limitExceeded':
      return { code: 'limitExceeded', text: `${what} ${LIMITS[result.limit](result.max)} and was stopped.` };
    case 'forbidden':
      return {
        code: 'forbidden',
        text: `${what} tried something that steps may not do (the system call ${result.syscall}) and was stopped.`,
      };
    case 'badOutput': {
      const where = result.path === undefined || result.path === '' ? '' : ` (${result.path})`;
      return {
        code: 'badOutput',
        text: cleanText(`${what} gave something that can't be handed on${where}: ${result.reason}`),
      };
    }
  }
}

/** @param reason the end of a sentence */
export function badResult(reason: string, call: StepCall): Message {
  return { code: 'badResult', text: `What ${WHAT[call]} gave can't be used: ${reason}.` };
}

export function badModule(step: Step, others: readonly string[]): Message {
  const found = others.length === 0 ? 'nothing' : others.join(', ');
  return {
    code: 'badModule',
    text: `${cleanText(filenameOf(step))} must export a function 'render' or 'fetch', but exports ${found}.`,
  };
}

/** Of those, a zygote that is started again may know nothing. */
const PASSING: readonly string[] = ['ERR_START_TIMED_OUT', 'ERR_START_FAILED'];

/** What went wrong is for the operator's log, and not for a user to read. */
export function internalMessage(error?: unknown): Message {
  const isLasting =
    error instanceof InvalidOptionError ||
    (error instanceof ZygoteStartError && !PASSING.includes(error.code));
  const advice = isLasting ? 'Whoever runs this service has to see to it.' : 'Try again.';
  return { code: 'internal', text: `Something went wrong that is not the fault of this step. ${advice}` };
}

function bytes(count: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB'];
  let unit = 0;
  while (count >= 1024 ** (unit + 1) && unit + 1 < units.length) unit++;
  return `${Number((count / 1024 ** unit).toFixed(1))} ${units[unit] ?? ''}`;
}

function seconds(ms: number): string {
  return ms < 1000 ? `${ms} ms` : `${Number((ms / 1000).toFixed(1))} s`;
}
