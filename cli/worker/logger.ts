/** What a worker says to whoever collects what processes print: a line of JSON each. */
import type { Logger } from '../../renderer/index.js';
import { escapeControls } from '../printable.js';

/**
 * SECURITY: ids of workflows and messages of errors are of others. JSON escapes only the control characters up to U+001F, and line
 * separators that some readers of logs take for ends of lines are as they were: nothing of either may look like another entry.
 *
 * @param write is given a line with its line feed
 */
export function jsonLogger(isVerbose: boolean, write: (line: string) => void): Logger {
  const at =
    (level: string) =>
    (fields: object, msg: string): void => {
      const { err, ...rest } = fields as { readonly err?: unknown };
      const error =
        err instanceof Error ? { err: { code: (err as { code?: unknown }).code, message: err.message } } : {};
      const json = JSON.stringify({ time: new Date().toISOString(), level, msg, ...rest, ...error });
      write(`${escapeSeparators(escapeControls(json))}\n`);
    };
  const silent = (): void => undefined;
  return {
    debug: isVerbose ? at('debug') : silent,
    info: isVerbose ? at('info') : silent,
    warn: at('warn'),
    error: at('error'),
  };
}

function escapeSeparators(json: string): string {
  return json.replace(/[\u2028\u2029]/g, (separator) => `\\u${separator.charCodeAt(0).toString(16)}`);
}
