/** The mean delays as bars. */
import type { Table } from 'apache-arrow';
import { paintOut } from '../cli/terminal.js';

const BAR_WIDTH = 22;
const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/** A bar of `value`, of which `max` would be `width` characters wide. */
function bar(value: number, max: number, width: number): string {
  const eighths = Math.max(0, Math.round((value / max) * width * 8));
  return '█'.repeat(eighths >> 3) + (EIGHTHS[eighths & 7] ?? '');
}

/** A line for two hours each: 0 beside 12, and so on. */
export function chart(byHour: Table): string[] {
  const means = Array.from(byHour.getChild('meanDelay') as Iterable<number>);
  const max = Math.max(...means);
  const cell = (hour: number): string => {
    const mean = means[hour] ?? 0;
    const drawn = bar(mean, max, BAR_WIDTH);
    return `${String(hour).padStart(2, '0')}h ${mean.toFixed(1).padStart(5)} ${paintOut('cyan', drawn)}${' '.repeat(BAR_WIDTH - drawn.length)}`;
  };
  return Array.from({ length: 12 }, (_, hour) => `  ${cell(hour)}  ${cell(hour + 12)}`.trimEnd());
}
