/** The processes of a host's zygote of the profile `network`, and the links that its router has. */
import { readFileSync } from 'node:fs';
import { descendantsOf } from './processes.js';

/** The host starts the launcher, that starts init, and that the zygote and stubs. */
export function processOf(host: number, which: 'launcher' | 'init' | 'zygote'): number {
  const all = descendantsOf(host);
  const childOf = (of: number | undefined, isOurs: boolean): number | undefined =>
    all.find(({ parent, name }) => parent === of && name.startsWith('nodespawner') === isOurs)?.pid;
  const launcher = childOf(host, true);
  const init = childOf(launcher, true);
  const found = { launcher, init, zygote: childOf(init, false) }[which];
  if (found === undefined) throw new Error(`there is no ${which}`);
  return found;
}

/** Whether the router's links are those of stubs, each of which is a child's or waits for one. */
export function onlyStubsHaveLinks(init: number): boolean {
  const links = readFileSync(`/proc/${init}/net/dev`, 'latin1')
    .split('\n')
    .filter((line) => /^ *c\d+:/.test(line));
  const stubs = descendantsOf(init).filter(
    ({ parent, name }) => parent === init && name.startsWith('nodespawner'),
  );
  return links.length === stubs.length;
}
