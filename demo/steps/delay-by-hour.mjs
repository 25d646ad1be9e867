// The mean delay for each hour of departure, and how many flights went into it.
import { tableFromArrays } from 'apache-arrow';

export function render(flights) {
  const times = flights.getChild('time').toArray();
  const delays = flights.getChild('delay').toArray();
  const sums = new Float64Array(24);
  const counts = new Int32Array(24);
  for (let i = 0; i < times.length; i++) {
    const hour = Math.floor(times[i]);
    sums[hour] += delays[i];
    counts[hour]++;
  }
  return tableFromArrays({
    hour: Uint8Array.from(counts.keys()),
    flights: counts,
    meanDelay: sums.map((sum, hour) => sum / counts[hour]),
  });
}
