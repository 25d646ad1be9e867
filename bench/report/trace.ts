/** The phases of a call as a table. */
import { table } from './text.js';
import { median, summarize } from '../statistics.js';
import { type Mark, PHASES, type Trace, type Way, WAYS } from '../trace.js';

const us = (ms: number): string => (ms * 1000).toFixed(0);

const NAMES: Readonly<Record<Way, string>> = { onDemand: 'cloned on demand', parked: 'parked' };

export function reportTrace(trace: Trace): string {
  return WAYS.map((way) => phasesOf(way, trace)).join('\n\n');
}

function phasesOf(way: Way, trace: Trace): string {
  const { calls, resultReceived } = trace[way];
  const phases: Partial<Record<Mark, string>> = PHASES[way];
  const at = (mark: Mark): number[] => calls.map((call) => call[mark] ?? NaN);
  const total = median(at('settled'));
  const marks = Object.keys(phases) as Mark[];
  const rows = marks.slice(0, -1).map((mark, i) => {
    const ends = at(marks[i + 1] ?? mark);
    const begins = at(mark);
    const { p50, p99 } = summarize(ends.map((end, call) => end - (begins[call] ?? NaN)));
    return [phases[mark] ?? '', us(p50), us(p99), us(median(ends)), `${((100 * p50) / total).toFixed(0)} %`];
  });
  return [
    `Phases of a round trip, ${NAMES[way]}, in µs, over ${calls.length} calls, which take longer for what they note: it is printed`,
    `to stderr at the end, and captured. The host has the result after ${us(median(resultReceived))} µs. Of all: the median of the whole.`,
    '',
    table(['phase', 'p50', 'p99', 'from the call on', 'of all'], rows),
  ].join('\n');
}
