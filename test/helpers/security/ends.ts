/** Attacks that are to end in a result, whatever it is, and to leave host and zygote as they were. */
import type { Test } from 'tap';
import type { Result } from '../../../lib/index.js';
import type { Lab } from './lab.js';

export const STATUSES: readonly Result['status'][] = [
  'ok',
  'threw',
  'exited',
  'signaled',
  'timedOut',
  'canceled',
  'badOutput',
  'limitExceeded',
  'outOfMemory',
  'forbidden',
];

const objectKeys = Reflect.ownKeys(Object.prototype).length;

/** The attack ends in a result, of one of these statuses if any are given, and leaves host and zygote as they were. */
export async function ends(
  t: Test,
  lab: Lab,
  body: string,
  params?: unknown,
  {
    statuses = STATUSES,
    timeoutMs = 3000,
  }: { statuses?: readonly Result['status'][]; timeoutMs?: number } = {},
): Promise<Result> {
  const result = await lab.attack(body, params, { timeoutMs, stdout: 'capture', stderr: 'capture' });
  t.ok(statuses.includes(result.status), `${result.status}: ${body.slice(0, 60)}`);
  t.equal(Reflect.ownKeys(Object.prototype).length, objectKeys, 'Object.prototype of the host');
  return result;
}

export interface Attack {
  readonly body: string;
  readonly params?: unknown;
  readonly statuses?: readonly Result['status'][];
  readonly timeoutMs?: number;
}

/** A few at a time: many of them end by the clock. */
export async function allEnd(t: Test, lab: Lab, attacks: readonly Attack[]): Promise<void> {
  const queue = attacks.values();
  const worker = async (): Promise<void> => {
    for (const { body, params, ...options } of queue) await ends(t, lab, body, params, options);
  };
  await Promise.all(Array.from({ length: 6 }, worker));
}
