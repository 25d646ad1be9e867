/** Whether this host can give user and group ids to children. */
import { readFileSync } from 'node:fs';

const CAP_SETGID = 6n;
const CAP_SETUID = 7n;

function hasCapabilities(): boolean {
  const effective = /^CapEff:\s*(\w+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  const set = BigInt(`0x${effective ?? '0'}`);
  return [CAP_SETGID, CAP_SETUID].every((capability) => (set >> capability) & 1n);
}

/** Whether all of a range is in the host's own user namespace (user_namespaces(7)), which may be that of a container. */
function isMapped(map: string, first: number, count: number): boolean {
  const ranges = readFileSync(map, 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number));
  return ranges.some(([start = 0, , length = 0]) => start <= first && first + count <= start + length);
}

export function canGiveIds({ first, count }: { readonly first: number; readonly count: number }): boolean {
  if (process.getuid?.() !== 0) return false;
  try {
    const maps = ['/proc/self/uid_map', '/proc/self/gid_map'];
    return hasCapabilities() && maps.every((map) => isMapped(map, first, count));
  } catch {
    return false;
  }
}
