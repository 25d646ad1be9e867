/** How many files this process can have open, and what it looks like when it can't open another. */
import { readFileSync } from 'node:fs';

/** RLIMIT_NOFILE(7), as it is now; infinity where there is no limit, or none can be read. */
export function maxOpenFiles(): number {
  try {
    const [, soft] = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1')) ?? [];
    return soft === undefined ? Infinity : Number(soft);
  } catch {
    return Infinity;
  }
}

/** Whether an error, or what it was caused by, is that no more files can be open at once. */
export function isOutOfFiles(error: unknown): boolean {
  for (let each = error, depth = 0; each instanceof Error && depth < 8; each = each.cause, depth++) {
    const { code } = each as NodeJS.ErrnoException;
    if (code === 'EMFILE' || code === 'ENFILE') return true;
  }
  return false;
}
