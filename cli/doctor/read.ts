import { readFileSync } from 'node:fs';

/** Undefined for what isn't there, or may not be read. */
export function readWords(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return undefined;
  }
}

/** The first two numbers of a version, to be compared. */
export function versionOf(text: string): number {
  const [, major = '', minor = ''] = /^v?(\d+)\.(\d+)/.exec(text) ?? [];
  return Number(major) * 1000 + Number(minor);
}
