/** The figures as tables, in Markdown, which docs/performance.md can take as they are. */
import type { Machine } from './machine.js';
import type { Measured, Plan } from './measure.js';
import { median, summarize } from './statistics.js';

const ms = (value: number): string => value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0);
const times = (value: number): string => value.toFixed(value < 10 ? 1 : 0);

/** Columns as wide as what is in them: readable as text, too. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join(' | ')} |`;
  const rule = widths.map((width, i) => (i === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`));
  return [line(header), line(rule), ...rows.map(line)].join('\n');
}

export function heading(machine: Machine, { warmUp }: Plan): string {
  const { cpu, cores, memoryGb, kernel, system, commit, date, command, loadBefore } = machine;
  return [
    `${machine.machine}: ${cores} cores of ${cpu}, ${memoryGb} GB, ${system}, kernel ${kernel}, load ${loadBefore.toFixed(1)} before`,
    `commit ${commit}, ${date}: ${command}`,
    `Milliseconds. Contestants take turns; the first ${warmUp} rounds don't count. L: what the kernel takes for clone,`,
    'exit and wait of a tiny static program.',
  ].join('\n');
}

export function report({ node, v8, flags, threads, zygoteStartMs, series }: Measured): string {
  const floor = median(series.floor);
  const row = (name: string, values: readonly number[], baseline: readonly number[]): string[] => {
    const { count, p25, p50, p75, p99, deviation } = summarize(values);
    const faster = median(baseline) / p50;
    return [
      name,
      count.toString(),
      ...[p50, p99, p25, p75, deviation].map(ms),
      times(p50 / floor),
      times(faster),
    ];
  };
  const { plainFirstLine, plainRoundTrip } = series;
  return [
    `Node ${node} (V8 ${v8}), ${flags.length === 0 ? 'default flags' : flags.join(' ')}; zygote ready after ${zygoteStartMs.toFixed(0)} ms, ${threads} threads carried`,
    '',
    table(
      ['', 'count', 'p50', 'p99', 'p25', 'p75', 'deviation', 'p50 / L', 'plain p50 / p50'],
      [
        row('first line, parked', series.firstLine, plainFirstLine),
        row('first line, on demand', series.demandFirstLine, plainFirstLine),
        row('first line, plain node', plainFirstLine, plainFirstLine),
        row('round trip, parked', series.roundTrip, plainRoundTrip),
        row('round trip, on demand', series.demandRoundTrip, plainRoundTrip),
        row('round trip, plain node', plainRoundTrip, plainRoundTrip),
        row('L: clone + exit + wait', series.floor, series.floor),
      ],
    ),
  ].join('\n');
}
