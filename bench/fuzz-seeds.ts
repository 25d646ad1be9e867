/** What the fuzzers of the validator start from. */
import fs from 'node:fs';
import path from 'node:path';
import { samples } from '../test/helpers/arrow/corpus.js';

/** Larger files are mutated elsewhere than where it matters. */
export const MAX_SEED_BYTES = 32_768;

/** @param folder with more files */
export function seeds(folder: string | undefined): Uint8Array[] {
  const found = samples().map(({ bytes }) => bytes);
  if (folder === undefined) return found;
  const names = fs.readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
  for (const name of names) {
    const file = path.join(folder, name);
    const { size } = fs.statSync(file);
    if (!fs.statSync(file).isFile() || size < 8 || size > MAX_SEED_BYTES || /\.(gz|json|md)$/.test(name))
      continue;
    found.push(new Uint8Array(fs.readFileSync(file)));
  }
  return found;
}
