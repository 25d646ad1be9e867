/**
 * Fresh randomness in every child, whatever the zygote did with random numbers before it was cloned.
 *
 *   zygote, first of all   installPreloadRandom()   Math.random is kept unused; every random fill is remembered
 *   zygote, last of all    sealRandom()             Math.random is back; what is left of the fills is collected
 *   zygote, between        unsealRandom()           as before; sealRandom() has to follow
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
let isSealed = false;
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
  if (fills === undefined || isSealed) return;
  isSealed = true;
  if (fills.used) flushTextPools();
  refill = fills.seal();
  restoreMathRandom();
  // A rehearsal: what it fills, each child fills again.
  refill();
}

/** For what the zygote does between one child and the next. */
export function unsealRandom(): void {
  if (fills === undefined || !isSealed) return;
  isSealed = false;
  fills.unseal();
  keepMathRandomUnused(fills.native);
}

export function freshRandom(): void {
  refill();
  refill = () => undefined;
}
