/** The queue and the store that are shared with other machines. */
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { openStore, type ObjectStore, type QueueOptions } from '../renderer/index.js';
import type { Arguments, Option } from './arguments.js';
import { usageError } from './failure.js';

/** SECURITY: a password in an argument can be read by all users of the machine, so it can be given in the environment. */
export const REDIS_VARIABLE = 'NODESPAWNER_REDIS';
export const STORE_VARIABLE = 'NODESPAWNER_STORE';

export const QUEUE_OPTIONS: readonly Option[] = [
  { name: 'redis', value: 'URL', about: `The queue, such as redis://127.0.0.1:6379 (${REDIS_VARIABLE}).` },
  {
    name: 'store',
    value: 'STORE',
    about: `Where tables are shared: a folder, or s3://BUCKET/PREFIX (${STORE_VARIABLE}).`,
  },
  { name: 'prefix', value: 'NAME', about: 'What all keys in Redis begin with (nodespawner).' },
];

export interface Shared {
  readonly queue: QueueOptions;
  readonly store: ObjectStore;
}

/** @returns undefined if there is no queue @throws {Failure | InvalidOptionError} */
export function sharedOf(given: Arguments): Shared | undefined {
  const connection = given.one('redis') ?? process.env[REDIS_VARIABLE] ?? '';
  const store = given.one('store') ?? process.env[STORE_VARIABLE] ?? '';
  if (connection === '') {
    const needing = ['store', 'prefix', 'tenant', 'priority'].find((name) => given.has(name));
    if (needing !== undefined) throw usageError(`--${needing} is for a queue: give --redis too`);
    return undefined;
  }
  if (store === '') throw usageError(`--redis needs a --store, where tables are shared`);
  const [prefix, tenant] = ['prefix', 'tenant'].map((name) => given.one(name));
  return {
    queue: {
      connection,
      ...(prefix === undefined ? {} : { prefix }),
      ...(tenant === undefined ? {} : { tenant }),
    },
    store: openStore(/^[a-z][a-z\d+.-]*:/i.test(store) ? store : pathToFileURL(path.resolve(store)).href),
  };
}
