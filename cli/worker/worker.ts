/** Runs steps from a queue until it is told to end. */
import path from 'node:path';
import { RendererWorker, StatusServer, type WorkerOptions } from '../../renderer/index.js';
import type { Arguments } from '../arguments.js';
import { EXIT, usageError } from '../failure.js';
import { ended, heeded, interruption } from '../interrupt.js';
import { note } from '../output.js';
import { printableLine } from '../printable.js';
import { REDIS_VARIABLE, sharedOf } from '../queue.js';
import { limits } from '../render/limits.js';
import { duration, wholeNumber } from '../units.js';
import { preloadOf, sandboxOf } from '../zygote-options.js';
import { jsonLogger } from './logger.js';
import { startMetrics } from './metrics.js';

type TenantLimit = NonNullable<WorkerOptions['tenantLimit']>;

function tenantLimitOf(text: string): TenantLimit {
  const [, steps = '', per = ''] = /^(\d+)\/(.+)$/.exec(text) ?? [];
  if (steps === '') throw usageError(`--tenant-limit ${text}: a number for a time is needed, such as 100/1m`);
  return {
    steps: wholeNumber('tenant-limit', steps),
    perMs: duration('tenant-limit', /^\d/.test(per) ? per : `1${per}`),
  };
}

function addressOf(text: string): { readonly host?: string; readonly port: number } {
  const [, host, port = ''] = /^(?:(.*):)?(\d+)$/.exec(text) ?? [];
  const number = Number(port);
  if (port === '' || number > 65_535) throw usageError(`--listen ${text}: [HOST:]PORT is needed`);
  return { port: number, ...(host === undefined ? {} : { host }) };
}

export async function worker(given: Arguments): Promise<number> {
  if (given.operands.length > 0) throw usageError('worker takes only options; see nodespawner worker --help');
  const shared = sharedOf(given);
  if (shared === undefined) throw usageError(`worker needs --redis, or ${REDIS_VARIABLE}`);
  const text = (name: string): string | undefined => given.one(name);
  const [concurrency = 'auto', tenantLimit, drain, lock, retry, listen, cache] = [
    'concurrency',
    'tenant-limit',
    'drain',
    'lock',
    'retry',
    'listen',
    'cache',
  ].map(text);
  const address = listen === undefined ? undefined : addressOf(listen);
  // Before the worker, which asks for its instruments.
  const metrics = address && (await startMetrics());
  const options: WorkerOptions = {
    ...shared,
    ...preloadOf(given, path.resolve(text('from') ?? '.')),
    sandbox: sandboxOf(given),
    limits: limits(given),
    logger: jsonLogger(given.has('verbose'), (line) => process.stderr.write(line)),
    concurrency: concurrency === 'auto' ? 'auto' : wholeNumber('concurrency', concurrency),
    ...(cache === undefined ? {} : { cache: { dir: path.resolve(cache) } }),
    ...(tenantLimit === undefined ? {} : { tenantLimit: tenantLimitOf(tenantLimit) }),
    ...(drain === undefined ? {} : { drainMs: duration('drain', drain) }),
    ...(lock === undefined ? {} : { lockMs: duration('lock', lock) }),
    ...(retry === undefined ? {} : { retryMs: duration('retry', retry) }),
  };
  await using store = shared.store;
  await using running = await RendererWorker.start(options);
  await using status =
    address && (await StatusServer.start(running, { ...address, ...(metrics && { metrics }) }));
  const where = status === undefined ? '' : `, http://${address?.host ?? '127.0.0.1'}:${status.port}/`;
  note(printableLine(`runs ${running.concurrency} steps at once, with tables in ${store.name}${where}`));
  await ended(interruption);
  note('ends: takes nothing more');
  await running.close();
  heeded();
  return EXIT.ok;
}
