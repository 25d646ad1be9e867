/** What is taken as a store. */
import { fail, type Check } from '../../lib/reader.js';
import type { ObjectStore } from './types.js';

const METHODS = ['put', 'get', 'sizeOf'] as const;

export const objectStore: Check<ObjectStore> = (value, name) => {
  const given = value as Partial<ObjectStore> | null;
  return typeof given === 'object' &&
    given !== null &&
    METHODS.every((method) => typeof given[method] === 'function')
    ? (given as ObjectStore)
    : fail(name, 'what folderStore() or s3Store() gives, or an object with the same methods', value);
};
