import { PEER_NAMES, type Peers } from '../peers.js';
import { median, summarize } from '../statistics.js';
import { ms, table, times } from './text.js';

export function reportPeers({ peers, floor }: Peers): string {
  const ours = median(peers.parked.calls.map(({ roundTripMs }) => roundTripMs));
  const measured = PEER_NAMES.map((name) => peers[name]).filter(({ calls }) => calls.length > 0);
  const absent = PEER_NAMES.map((name) => peers[name]).filter(({ calls }) => calls.length === 0);
  const both = (values: readonly number[]): string[] => {
    const { p50, p99 } = summarize(values);
    return [ms(p50), ms(p99)];
  };
  return [
    'What a user could take instead, doing the same work in the same run. First line: from the request to the first line of',
    'the code with Arrow (or pandas) usable. Round trip: until the sum is there, checked, and the process, thread or isolate',
    `gone. L: ${ms(median(floor))}.`,
    '',
    table(
      [
        '',
        'count',
        'first line, p50',
        'p99',
        'round trip, p50',
        'p99',
        'deviation',
        'times ours, parked',
        'isolation',
      ],
      measured.map(({ name, isolation, calls }) => {
        const roundTrips = calls.map(({ roundTripMs }) => roundTripMs);
        return [
          name,
          calls.length.toString(),
          ...both(calls.map(({ firstLineMs }) => firstLineMs)),
          ...both(roundTrips),
          ms(summarize(roundTrips).deviation),
          times(median(roundTrips) / ours),
          isolation,
        ];
      }),
    ),
    ...absent.map(({ name, missing }) => `\nNOT MEASURED: ${name}: ${missing ?? ''}`),
  ].join('\n');
}
