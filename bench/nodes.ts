/** The versions of Node that are there to measure on: those in test/nodes, and the one that runs this. */
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const FOLDER = fileURLToPath(new URL('../../test/nodes/node_modules', import.meta.url));
/** The version that the targets are for. */
const USUAL = '24';

/** What the one that runs this is called among the versions. */
const OWN = 'own';

/** Paths of `node`. @throws if one of them isn't there */
export function findNodes(wanted: readonly string[] | 'all' = [USUAL]): string[] {
  const found = (existsSync(FOLDER) ? readdirSync(FOLDER) : [])
    .filter((name) => name.startsWith('node-'))
    .filter((name) => wanted === 'all' || wanted.includes(name.slice('node-'.length)))
    .map((name) => path.join(FOLDER, name, 'bin/node'));
  if (wanted !== 'all' && wanted.includes(OWN)) found.push(process.execPath);
  const isComplete = wanted === 'all' ? found.length > 0 : found.length === new Set(wanted).size;
  if (!isComplete) {
    const missing = wanted === 'all' ? 'No Node is' : `Not all of Node ${wanted.join(',')} are`;
    throw new Error(`${missing} in ${FOLDER}: run node scripts/setup.mjs build nodes`);
  }
  return found;
}
