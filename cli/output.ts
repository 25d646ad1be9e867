/** What is printed. */
import { toJson } from './json.js';

export function print(text: string): void {
  process.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
}

export function printJson(value: unknown): void {
  print(toJson(value, process.stdout.isTTY ? 2 : undefined));
}

/** To people, whatever stdout is for. */
export function note(text: string): void {
  process.stderr.write(text.endsWith('\n') ? text : `${text}\n`);
}
