/** The names of objects. */
import { fail, type Check } from '../../lib/reader.js';
import type { TableRef } from './types.js';

const SEGMENT = /^[A-Za-z0-9_-][A-Za-z0-9._-]*$/;
const MOST_CHARACTERS = 512;

/** Names that are safe as paths of files and in URLs. */
export const storeKey: Check<string> = (value, name) =>
  typeof value === 'string' &&
  value.length <= MOST_CHARACTERS &&
  value.split('/').every((segment) => SEGMENT.test(segment))
    ? value
    : fail(name, `up to ${MOST_CHARACTERS} letters, digits, '-', '_', '.' and '/' between them`, value);

export function tableKey({ hash }: Pick<TableRef, 'hash'>): string {
  return `tables/${hash}.arrow`;
}
