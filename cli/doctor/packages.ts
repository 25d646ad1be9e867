/** Packages that are there only where they are wanted. */
import Module, { createRequire } from 'node:module';
import { info, type Check } from './check.js';

const { resolve } = createRequire(import.meta.url);

function isThere(name: string): boolean {
  try {
    resolve(name);
    return true;
  } catch {
    return false;
  }
}

export function packages(): Check[] {
  const parquet = isThere('parquet-wasm/node') ? 'yes' : 'no; for Parquet: npm install parquet-wasm@0.8';
  const strips = 'stripTypeScriptTypes' in Module || isThere('amaro');
  const typescript = strips ? 'yes' : 'no; for steps in TypeScript on this Node: npm install amaro';
  return [info('Parquet', parquet), info('TypeScript', typescript)];
}
