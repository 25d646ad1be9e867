/** The help of the command, made from the descriptions. */
import type { Command, Option } from './arguments.js';

function columns(rows: readonly (readonly [left: string, right: string])[]): string {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`).join('\n');
}

function signature({ name, short, value }: Option): string {
  return `${short === undefined ? '    ' : `-${short}, `}--${name}${value === undefined ? '' : ` ${value}`}`;
}

function described({ about, choices, isMultiple }: Option): string {
  return `${about}${choices ? ` One of ${choices.join(', ')}.` : ''}${isMultiple ? ' May be repeated.' : ''}`;
}

export function helpOf({ name, operands, about, options }: Command, common: readonly Option[]): string {
  const rows = [...options, ...common].map((option) => [signature(option), described(option)] as const);
  return `Usage: nodespawner ${name} ${operands}\n\n${about}\n\n${columns(rows)}\n`;
}

export function overview(commands: readonly Command[]): string {
  const rows = commands.map(({ name, about }) => [name, about] as const);
  return `Usage: nodespawner COMMAND [OPTION...]\n\n${columns(rows)}\n\nnodespawner COMMAND --help says what a command takes.\n`;
}
