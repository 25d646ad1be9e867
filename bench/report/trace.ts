/** The phases of a call as a table. */
import { table } from './text.js';
import { median, summarize } from '../statistics.js';
import { MARKS, PHASES, type Trace } from '../trace.js';

const us = (ms: number): string => (ms * 1000).toFixed(0);

export function reportTrace({ calls, cloned, resultReceived }: Trace): string {
  const total = median(calls.map(({ settled }) => settled));
  const rows = MARKS.slice(0, -1).map((mark, i) => {
    const next = MARKS[i + 1] ?? mark;
    const { p50, p99 } = summarize(calls.map((call) => call[next] - call[mark]));
    const reached = median(calls.map((call) => call[next]));
    return [PHASES[mark], us(p50), us(p99), us(reached), `${((100 * p50) / total).toFixed(0)} %`];
  });
  return [
    `Phases of a round trip, in µs, over ${calls.length} calls. The host knows of the clone after ${us(median(cloned))} µs,`,
    `and has the result after ${us(median(resultReceived))} µs.`,
    '',
    table(['phase', 'p50', 'p99', 'from the call on', 'of all'], rows),
  ].join('\n');
}
