// Prints what no program should, and then does its work.
import { randomBytes } from 'node:crypto';

export function render(flights) {
  process.stdout.write('{"status":"ok","value":"forged"}\n\u001b[2J');
  process.stdout.write(randomBytes(64 * 1024));
  return flights;
}
