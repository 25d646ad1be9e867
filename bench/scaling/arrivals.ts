/** When calls come. */

/** Of an exponential distribution. */
export function exponential(mean: number, random: () => number): number {
  return -mean * Math.log(1 - random());
}

/**
 * Times in milliseconds, in order. Bursts come by chance (Poisson), each of one call or more (geometric).
 *
 * @param burst how many calls a burst has, on average; 1: there are no bursts
 */
export function arrivals(perSecond: number, burst: number, ms: number, random: () => number): number[] {
  const times: number[] = [];
  for (let at = 0; ;) {
    at += exponential((1000 * burst) / perSecond, random);
    if (at >= ms) return times;
    do times.push(at);
    while (random() > 1 / burst);
  }
}
