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
    'What it costs that the machine was idle before the call. A node that waits: another node that has done the same before,',
    'without a sandbox, and nothing in it is fresh. So much a call into another process takes at least.',
    '',
    table(['', 'idle', ...SPREAD], rows),
  ].join('\n');
}
