/** What a round trip takes, ours and others', as bars: the chart of the README. */
import type { TopLevelSpec } from 'vega-lite';
import type { Measured } from '../measured.js';
import { PEER_NAMES } from '../peers.js';
import { summarize } from '../statistics.js';
import { WIDTH } from './size.js';

interface Bar {
  readonly name: string;
  readonly isOurs: boolean;
  readonly p50: number;
  readonly p99: number;
}

function bar(name: string, values: readonly number[], isOurs: boolean): Bar {
  const { p50, p99 } = summarize(values);
  return { name, isOurs, p50, p99 };
}

/** All that were measured in one run, the fastest first: peers if there are any, and else what latency.ts compares. */
export function roundTrips(measured: Measured): Bar[] {
  return barsOf(measured).sort((a, b) => a.p50 - b.p50);
}

function barsOf({ peers, latency }: Measured): Bar[] {
  if (peers !== undefined) {
    return PEER_NAMES.filter((name) => peers.peers[name].calls.length > 0).map((name) => {
      const { name: title, calls } = peers.peers[name];
      const values = calls.map(({ roundTripMs }) => roundTripMs);
      return bar(title, values, name === 'parked' || name === 'onDemand');
    });
  }
  if (latency === undefined) return [];
  const { roundTrip, demandRoundTrip, plainRoundTrip, waitingRoundTrip } = latency.series;
  return [
    bar('nodespawner, parked child', roundTrip, true),
    bar('nodespawner, cloned on demand', demandRoundTrip, true),
    bar('plain node', plainRoundTrip, false),
    bar('a node that waits, used again', waitingRoundTrip, false),
  ];
}

export function roundTripsChart(measured: Measured, title?: readonly string[]): TopLevelSpec {
  const y = { field: 'name', type: 'nominal', sort: null, title: null, axis: { labelLimit: 400 } } as const;
  const label = { field: 'p50', type: 'quantitative', format: '.3~r' } as const;
  return {
    width: WIDTH,
    height: { step: 24 },
    ...(title === undefined
      ? {}
      : {
          title: { text: [...title], color: 'currentColor', fontSize: 11, anchor: 'start', frame: 'group' },
        }),
    data: { values: roundTrips(measured) },
    encoding: { y },
    layer: [
      {
        mark: 'bar',
        encoding: {
          x: { field: 'p50', type: 'quantitative', title: 'milliseconds: p50 (bar), p99 (tick)' },
          color: { field: 'isOurs', type: 'nominal', scale: { domain: [true, false] }, legend: null },
        },
      },
      {
        mark: { type: 'tick', color: 'currentColor', thickness: 2 },
        encoding: { x: { field: 'p99', type: 'quantitative' } },
      },
      {
        mark: { type: 'text', align: 'left', dx: 4 },
        // Behind the tick, not across it.
        encoding: { x: { field: 'p99', type: 'quantitative' }, text: label },
      },
    ],
  };
}
