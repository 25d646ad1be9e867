/** What is aimed at, as ratios to what is measured in the same run, and whether it is met. */
import type { Measured } from './measured.js';
import type { PeerName } from './peers.js';
import { addedPss } from './report/memory.js';
import { best } from './report/throughput.js';
import { median, summarize } from './statistics.js';

export interface Target {
  readonly what: string;
  /** What the ratio is to, or the unit of the figure. */
  readonly unit: string;
  readonly found: number;
  readonly limit: number;
  /** Whether less is better. */
  readonly isMost: boolean;
  /** What a node that waits found in the same run (waiting-node.ts), where it does the same. */
  readonly yardstick?: number | undefined;
}

export function isMet({ found, limit, isMost }: Target): boolean {
  return isMost ? found <= limit : found >= limit;
}

/** How many times longer than ours, with a parked child, a round trip of theirs should take. */
const FASTER: Partial<Record<PeerName, number>> = { spawn: 100, worker: 40, isolatedVm: 5, pyspawner: 20 };

/** All targets for which something was measured. */
export function targets({ latency, peers, throughput, memory, tables, start }: Measured): Target[] {
  const found: Target[] = [];
  const add =
    (isMost: boolean) =>
    (what: string, unit: string, value: number, limit: number, yardstick?: number): void => {
      found.push({ what, unit, found: value, limit, isMost, yardstick });
    };
  const [most, least] = [add(true), add(false)];
  if (latency !== undefined) {
    const { series } = latency;
    const floor = median(series.floor);
    const latencies = (
      what: string,
      values: readonly number[],
      p50: number,
      p99: number,
      waiting?: readonly number[],
    ): void => {
      const summary = summarize(values);
      most(`${what}, p50`, '× L', summary.p50 / floor, p50, waiting && median(waiting) / floor);
      // Its p99 is its own garbage, of which a fresh process has none.
      most(`${what}, p99`, '× L', summary.p99 / floor, p99);
    };
    const { firstLine, roundTrip, demandRoundTrip, waitingFirstLine, waitingRoundTrip } = series;
    latencies('spawn() to the first line, parked', firstLine, 1, 4, waitingFirstLine);
    latencies('run() of a step on a table of 1,000 rows, parked', roundTrip, 3, 8, waitingRoundTrip);
    latencies('the same, cloned on demand', demandRoundTrip, 8, 16);
  }
  if (peers !== undefined) {
    const roundTrip = (name: PeerName): number =>
      median(peers.peers[name].calls.map(({ roundTripMs }) => roundTripMs));
    for (const [name, limit] of Object.entries(FASTER) as [PeerName, number][]) {
      const times = roundTrip(name);
      if (Number.isNaN(times)) continue;
      least(
        peers.peers[name].name,
        'times ours',
        times / roundTrip('parked'),
        limit,
        times / roundTrip('waiting'),
      );
    }
  }
  if (throughput !== undefined) {
    const unit = '× the rate of clone + exit + wait with the same namespaces';
    least(
      'run() per second, all cores busy',
      unit,
      best(throughput.nodespawner) / best(throughput.clone),
      1 / 5,
    );
  }
  if (memory !== undefined) {
    const uss = memory.parked.at(-1)?.each.map((child) => child.uss) ?? [];
    most('one more idle parked child, USS', 'MB', median(uss) / 1e6, 3);
    most('what it adds to the PSS of all together', 'MB', addedPss(memory.parked) / 1e6, 5);
  }
  const [smallest, largest] = [tables?.[0], tables?.at(-1)];
  if (smallest !== undefined && largest !== undefined && smallest !== largest) {
    const firstLine = (entry: typeof smallest): number => median(entry.times.map((call) => call.firstLineMs));
    most(
      'first line with the largest table',
      '× that with the smallest',
      firstLine(largest) / firstLine(smallest),
      1.05,
    );
  }
  if (start !== undefined) {
    const ratio = median(start.zygote) / median(start.plainNode);
    most('start of a zygote', '× plain node with the same module', ratio, 1.5);
  }
  return found;
}
