/** Checks what the caller says of a queue. */
import { fail, Reader, text, type Check } from '../../lib/reader.js';
import { DEFAULT_QUEUE_PREFIX, DEFAULT_TENANT } from './defaults.js';

export interface CheckedQueueOptions {
  readonly connection: string | Readonly<Record<string, unknown>>;
  readonly prefix: string;
  readonly tenant: string;
}

const MAX_NAME_LENGTH = 200;

const nameOfSome: Check<string> = (value, name) =>
  text(value, name) !== '' && (value as string).length <= MAX_NAME_LENGTH
    ? (value as string)
    : fail(name, `a string of 1 to ${MAX_NAME_LENGTH} characters`, value);

const connectionTo: Check<CheckedQueueOptions['connection']> = (value, name) => {
  if (typeof value === 'string') {
    // SECURITY: its password is not for a message.
    if (!/^(rediss?:\/\/|\/)/.test(value))
      fail(name, 'redis://…, rediss://… or the path of a socket', 'another string');
    return value;
  }
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : fail(name, 'a URL of Redis, or options of ioredis', value);
};

/** @throws {InvalidOptionError} */
export const checkQueue: Check<CheckedQueueOptions> = (value, name) => {
  const reader = new Reader(value satisfies unknown, name);
  const checked = {
    connection: reader.required('connection', connectionTo),
    prefix: reader.get('prefix', nameOfSome, DEFAULT_QUEUE_PREFIX),
    tenant: reader.get('tenant', nameOfSome, DEFAULT_TENANT),
  };
  reader.end();
  return checked;
};
