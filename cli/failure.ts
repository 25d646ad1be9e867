/** How the command line ends, and what it says when something is wrong. */

/** What docs/cli.md says of them is checked against this list. */
export const EXIT = Object.freeze({
  ok: 0,
  /** A step failed; something that doctor looked for is missing. */
  failed: 1,
  usage: 2,
  file: 3,
  unavailable: 4,
  internal: 5,
});

/** An error in one line that says what to do; `cause` is for --verbose. */
export class Failure extends Error {
  readonly code: string;
  readonly exitCode: number;

  constructor(exitCode: number, code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
    this.code = code;
  }
}

export function usageError(message: string, options?: ErrorOptions): Failure {
  return new Failure(EXIT.usage, 'ERR_USAGE', message, options);
}

/** Of a file that can't be read, understood or written. */
export function fileError(message: string, cause?: unknown): Failure {
  return new Failure(EXIT.file, 'ERR_FILE', message, { cause });
}

const SYSTEM: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EISDIR: 'it is a folder',
  ENOTDIR: 'a part of its path is no folder',
  ENOSPC: 'no space is left',
  EROFS: 'the file system is read-only',
  ERR_FS_FILE_TOO_LARGE: 'it is larger than the 2 GiB that can be read at once',
};

/** What the system said, in words. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return SYSTEM[String((error as NodeJS.ErrnoException).code)] ?? error.message;
}
