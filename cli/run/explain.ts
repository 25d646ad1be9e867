/** What became of a step that is not ok, in one line that says what to do. */
import { errorText } from '../../lib/error-text.js';
import { childHint } from '../../lib/hints.js';
import type { LimitName, Result } from '../../lib/index.js';
import { printableLine } from '../printable.js';
import { showBytes, showMs } from '../units.js';

/** The options of the command line for the limits. */
const OPTION_OF: Readonly<Partial<Record<LimitName, string>>> = {
  maxResultBytes: '--max-value',
  maxTableBytes: '--max-table',
  tasks: '--tasks',
  openFiles: '--open-files',
  fileBytes: '--file-size',
  tmpBytes: '--tmp-size',
  cpuMs: '--cpu-time',
};

/** Where in the step's own source an error is from: `step.js:3:9`. */
export function placeOf(stack: string, filename: string): string | undefined {
  for (const line of stack.split('\n')) {
    const at = line.indexOf(`${filename}:`);
    const position = at < 0 ? undefined : /^\d+(?::\d+)?/.exec(line.slice(at + filename.length + 1))?.[0];
    if (position !== undefined) return `${filename}:${position}`;
  }
  return undefined;
}

const NOT_FOUND: readonly string[] = ['MODULE_NOT_FOUND', 'ERR_MODULE_NOT_FOUND'];

function limitText(limit: LimitName, max: number): string {
  const value = limit.endsWith('Bytes') ? showBytes(max) : limit.endsWith('Ms') ? showMs(max) : String(max);
  const option = OPTION_OF[limit];
  return `it exceeded ${limit}, which is ${value}${option === undefined ? '' : `; raise ${option}`}`;
}

export type FailedResult = Exclude<Result, { status: 'ok' }>;

function textOf(result: FailedResult): string {
  switch (result.status) {
    case 'threw': {
      const hint = NOT_FOUND.includes(result.error.code ?? '')
        ? '--preload loads more'
        : childHint(result.error);
      return `${errorText(result.error)}${hint === undefined ? '' : `; ${hint}`}`;
    }
    case 'exited':
      return `it exited with code ${result.exitCode} before it returned; return a result, and await what is under way`;
    case 'signaled':
      return `it was ended by ${result.signal}${result.signal === 'SIGABRT' ? '; if its heap was full, raise --memory' : ''}`;
    case 'timedOut':
      return `it did not end within ${showMs(result.timeoutMs)}; raise --timeout`;
    case 'canceled':
      return 'it was canceled';
    case 'badOutput': {
      const { path = '', reason } = result;
      return `what it returned can't be used${path === '' ? '' : ` (${path})`}: ${reason}`;
    }
    case 'limitExceeded':
      return limitText(result.limit, result.max);
    case 'outOfMemory':
      return `it ran out of memory, with ${showBytes(result.usage.peakMemoryBytes)}; raise --memory`;
    case 'forbidden':
      return `it made a system call that is forbidden: ${result.syscall}`;
  }
}

export function explain(result: FailedResult, filename: string): string {
  const where =
    result.status === 'threw'
      ? [result.error, ...result.error.causes]
          .map(({ stack }) => placeOf(stack, filename))
          .find((place) => place !== undefined)
      : undefined;
  return printableLine(`${where ?? filename}: ${textOf(result)}`);
}
