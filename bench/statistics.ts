/** What is said of a series of measurements. */

export interface Summary {
  readonly count: number;
  readonly p25: number;
  readonly p50: number;
  readonly p75: number;
  readonly p99: number;
  readonly mean: number;
  /** Standard deviation. */
  readonly deviation: number;
}

/** Interpolates between the two nearest. */
function quantile(sorted: readonly number[], q: number): number {
  const at = q * (sorted.length - 1);
  const below = sorted[Math.floor(at)] ?? NaN;
  const above = sorted[Math.ceil(at)] ?? NaN;
  return below + (above - below) * (at - Math.floor(at));
}

export function median(values: readonly number[]): number {
  return summarize(values).p50;
}

export function summarize(values: readonly number[]): Summary {
  const sorted = [...values].sort((a, b) => a - b);
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance =
    values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / Math.max(1, values.length - 1);
  return {
    count: values.length,
    p25: quantile(sorted, 0.25),
    p50: quantile(sorted, 0.5),
    p75: quantile(sorted, 0.75),
    p99: quantile(sorted, 0.99),
    mean,
    deviation: Math.sqrt(variance),
  };
}

export interface Line {
  readonly slope: number;
  /** Where x is 0. */
  readonly start: number;
}

/** The straight line through these points that has the least squares of errors; level if all have the same x. */
export function straightLine(points: readonly (readonly [x: number, y: number])[]): Line {
  const meanX = points.reduce((sum, [x]) => sum + x, 0) / points.length;
  const meanY = points.reduce((sum, [, y]) => sum + y, 0) / points.length;
  const covariance = points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0);
  const squares = points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
  const slope = squares === 0 ? 0 : covariance / squares;
  return { slope, start: meanY - slope * meanX };
}
