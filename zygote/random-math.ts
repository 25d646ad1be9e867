/**
 * V8 seeds the Math.random of a context when it is first called, and keeps its state in the context, out of reach. So
 * that each child seeds its own, the zygote must not call it even once: while it preloads, a stand-in takes its place.
 *
 * Not covered: contexts of their own (node:vm) that a preloaded module makes and calls Math.random in.
 */
import type { NativeRandom } from './random-fills.js';

const POOL_SIZE = 256;

const real = Math.random;
let source: () => number = real;

// Libraries keep it (`const { random } = Math`), so the stand-in goes on in the child and hands over to the real one.
const standIn = {
  random: (): number => source(),
}.random;

export function keepMathRandomUnused(native: NativeRandom): void {
  const pool = new BigUint64Array(POOL_SIZE);
  let next = POOL_SIZE;
  source = () => {
    if (next === POOL_SIZE) {
      native(pool, 0, pool.byteLength);
      next = 0;
    }
    // As many bits as a number has.
    return Number((pool[next++] ?? 0n) >> 11n) / 2 ** 53;
  };
  // Whoever has replaced it since meant to.
  if (Math.random === real) Math.random = standIn;
}

export function restoreMathRandom(): void {
  source = real;
  // Whoever replaced it in the meantime (a seeded one, for reproducible runs) meant to.
  if (Math.random === standIn) Math.random = real;
}
