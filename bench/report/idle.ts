import type { Idle, IdleSeries } from '../idle.js';
import { spread, SPREAD, table } from './text.js';

const NAMES: Readonly<Record<IdleSeries, string>> = {
  firstLine: 'first line, parked',
  waitingFirstLine: 'first line, a node that waits',
  roundTrip: 'round trip, parked',
  waitingRoundTrip: 'round trip, a node that waits',
};

export function reportIdle(measured: readonly Idle[]): string {
  const rows = (Object.keys(NAMES) as IdleSeries[]).flatMap((name) =>
    measured.map(({ pauseMs, series }) => [NAMES[name], `${pauseMs} ms`, ...spread(series[name])]),
  );
  return [
    'What it costs that nobody has called for some time. A node that waits: another that has done the same over and over,',
    'without a sandbox, and nothing in it is fresh: a yardstick for calls into another process.',
    '',
    table(['', 'after', ...SPREAD], rows),
  ].join('\n');
}
