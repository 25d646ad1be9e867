/** How urgent a workflow is beside others of the same tenant, in the numbers of BullMQ. */
import { fail, type Check } from '../lib/reader.js';

/** The largest that BullMQ has. */
export const LARGEST_PRIORITY = 2_097_151;

/** So many steps that come later go before one for each level by which theirs is better, and no more: nothing waits for ever. */
export const STEPS_PER_LEVEL = 1_000;

/** 0 goes first. */
export const priorityNumber: Check<number> = (value, name) =>
  Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= LARGEST_PRIORITY
    ? (value as number)
    : fail(name, `a whole number from 0, which goes first, to ${LARGEST_PRIORITY}`, value);
