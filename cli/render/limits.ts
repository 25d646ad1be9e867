/** What a step may use and give, as the command line says it. */
import type { StepLimits } from '../../renderer/index.js';
import type { Arguments } from '../arguments.js';
import { duration, size } from '../units.js';
import { limitsOf } from '../zygote-options.js';

export function limits(given: Arguments): StepLimits {
  const [timeout, table, value] = ['timeout', 'max-table', 'max-value'].map((name) => given.one(name));
  return {
    ...limitsOf(given),
    ...(timeout === undefined ? {} : { timeoutMs: duration('timeout', timeout) }),
    ...(table === undefined ? {} : { maxTableBytes: size('max-table', table) }),
    ...(value === undefined ? {} : { maxValueBytes: size('max-value', value) }),
  };
}
