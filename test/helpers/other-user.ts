/** Programs that start another with fewer privileges, or as a user who isn't root and has none. */
import { execFileSync } from 'node:child_process';
import { FIXTURES } from './zygote.js';

const SETPRIV = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--inh-caps=-all'];

/** What to start a host through that is to be without these capabilities, such as `sys_admin`. */
export function withoutCapabilities(...names: readonly string[]): readonly string[] {
  const set = names.map((name) => `-${name}`).join();
  return ['setpriv', `--bounding-set=${set}`, `--inh-caps=${set}`];
}

/**
 * What to start a host through. Where this checkout, or node, is for root's eyes only, a user namespace: in it the
 * process has another id and no privilege, and the files are still its own.
 */
export function asOtherUser(): readonly string[] {
  if (process.getuid?.() !== 0) return [];
  try {
    const look = `require('node:fs').readdirSync(${JSON.stringify(FIXTURES)})`;
    execFileSync(SETPRIV[0] ?? '', [...SETPRIV.slice(1), process.execPath, '-e', look], { stdio: 'ignore' });
    return SETPRIV;
  } catch {
    return ['unshare', '--user', '--map-user=1000', '--map-group=1000'];
  }
}
