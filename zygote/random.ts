/**
 * Fresh randomness in every child, whatever the zygote did with random numbers before it was cloned.
 *
 *   zygote, first of all   installPreloadRandom()   Math.random is kept unused; every random fill is remembered
 *   zygote, last of all    sealRandom()             Math.random is back; what is left of the fills is collected
 *   child, first of all    freshRandom()            what is left is filled anew
 *
 * The native side does what JavaScript can't: it reseeds OpenSSL and V8's generator in the child before this runs.
 */
import { NodespawnerError } from '../protocol/errors.js';
import { isLoaded } from './internals.js';
import { RandomFills } from './random-fills.js';
import { flushTextPools } from './random-libraries.js';
import { keepMathRandomUnused, restoreMathRandom } from './random-math.js';

let fills: RandomFills | undefined;
let refill: () => void = () => undefined;

/** Must come before anything uses random numbers. @throws ERR_RANDOM_ALREADY_USED */
export function installPreloadRandom(): void {
  if (fills !== undefined) return;
  // Node's random functions take the native job that fills their buffers from the binding when their module is loaded.
  if (isLoaded('internal/crypto/random')) {
    throw new NodespawnerError(
      'ERR_RANDOM_ALREADY_USED',
      'node:crypto was loaded before installPreloadRandom(), so random bytes that it holds back would repeat in children',
    );
  }
  fills = new RandomFills();
  keepMathRandomUnused(fills.native);
}

export function sealRandom(): void {
  if (fills === undefined) return;
  if (fills.used) flushTextPools();
  refill = fills.seal();
  fills = undefined;
  restoreMathRandom();
  // A rehearsal: what it fills, each child fills again.
  refill();
}

export function freshRandom(): void {
  refill();
  refill = () => undefined;
}
