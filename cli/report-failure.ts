/** Says what went wrong, in one line. */
import { inspect } from 'node:util';
import { NodespawnerError } from '../protocol/errors.js';
import { EXIT, Failure } from './failure.js';
import { note, printJson } from './output.js';
import { printable, printableLine } from './printable.js';
import { paintErr } from './terminal.js';

/** Of options, and of zygotes that can't be started for what they were asked to load. */
const USAGE = new Set([
  'ERR_INVALID_OPTION',
  'ERR_UNSUPPORTED_VALUE',
  'ERR_VALUE_TOO_LARGE',
  'ERR_PRELOAD_FAILED',
  'ERR_PRELOAD_CONFLICT',
  'ERR_THREAD_NOT_CARRIED',
  'ERR_FD_NOT_CARRIED',
  'ERR_TYPESCRIPT_UNAVAILABLE',
]);

function exitCodeOf(error: unknown): number {
  if (error instanceof Failure) return error.exitCode;
  if (!(error instanceof NodespawnerError) || error.code === 'ERR_HOST_FAILED') return EXIT.internal;
  return USAGE.has(error.code) ? EXIT.usage : EXIT.unavailable;
}

/** Where there is more to say than one line has room for. */
const DOCTOR = '; nodespawner doctor says more';

function lineOf(error: unknown, exitCode: number): string {
  const message = error instanceof Error ? error.message : inspect(error);
  // Where the launcher has said why, that is the first line of the output which the message goes on with.
  const [first = '', , said] = message.split('\n');
  const line = printableLine(
    exitCode === EXIT.unavailable && said !== undefined ? `${first}: ${said}` : first,
  );
  if (exitCode === EXIT.unavailable) return line + DOCTOR;
  return exitCode === EXIT.internal
    ? `${line} (a bug, or this machine is short of something; --verbose says more)`
    : line;
}

/** @returns the exit code */
export function report(error: unknown, asJson: boolean, isVerbose: boolean): number {
  const exitCode = exitCodeOf(error);
  const line = lineOf(error, exitCode);
  if (asJson) {
    const code = error instanceof Failure || error instanceof NodespawnerError ? error.code : 'ERR_INTERNAL';
    printJson({ error: { code, message: line, exitCode } });
  } else note(`${paintErr('red', 'nodespawner:')} ${line}`);
  if (isVerbose) note(printable(inspect(error instanceof Failure ? (error.cause ?? error) : error)));
  return exitCode;
}
