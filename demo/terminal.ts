/** Words and bars for the terminal. Colours only where somebody looks. */
import { styleText } from 'node:util';

type Style = 'bold' | 'dim' | 'green' | 'red' | 'cyan' | 'yellow';

const colours = process.stdout.isTTY && process.stdout.hasColors();

export function paint(style: Style, text: string): string {
  return colours ? styleText(style, text) : text;
}

export function ms(value: number | undefined): string {
  if (value === undefined) return '-';
  return `${value.toFixed(value < 100 ? 1 : 0)} ms`;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return ((sorted[(sorted.length - 1) >> 1] ?? NaN) + (sorted[sorted.length >> 1] ?? NaN)) / 2;
}

const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/** A bar of `value`, of which `max` would be `width` characters wide. */
export function bar(value: number, max: number, width: number): string {
  const eighths = Math.max(0, Math.round((value / max) * width * 8));
  return '█'.repeat(eighths >> 3) + (EIGHTHS[eighths & 7] ?? '');
}
