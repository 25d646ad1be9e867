/**
 * Pools of random text in well-known libraries. They are out of reach (random-fills.ts sees only the bytes that the
 * text was made of), so they are used up before the zygote is sealed: the library itself makes a new one in the child.
 *
 * Not covered: generators that a preloaded module made with nanoid's customAlphabet() and used already; the node id
 * and clock sequence of uuid's v1() and v6() if called while preloading, which children then share.
 */
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadedEsModules } from './internals.js';

// nanoid 6 makes at most 32768 characters ahead. Asking for as many or more at once leaves none.
const MORE_THAN_A_POOL = 1 << 20;

/** nanoid has pools of text since version 6. Before, they were bytes. */
function hasTextPool(filename: string): boolean {
  if (!/nanoid[^/]*\/index\.[cm]?js$/.test(filename)) return false;
  try {
    const manifest: unknown = JSON.parse(
      fs.readFileSync(path.join(path.dirname(filename), 'package.json'), 'utf8'),
    );
    const { name, version } = manifest as { name?: unknown; version?: unknown };
    return name === 'nanoid' && parseInt(String(version), 10) >= 6;
  } catch {
    return false; // A directory of that name that is no package.
  }
}

function loadedModules(): [filename: string, exports: unknown][] {
  const commonJs = Object.values(require.cache).map(
    (module) => [module?.filename ?? '', module?.exports] as const,
  );
  const es = loadedEsModules()
    .filter(([url]) => url.startsWith('file:'))
    .map(([url, namespace]) => [fileURLToPath(url), namespace] as const);
  return [...commonJs, ...es].map(([filename, exports]) => [filename, exports]);
}

export function flushTextPools(): void {
  for (const [filename, exports] of loadedModules()) {
    if (hasTextPool(filename)) (exports as { nanoid(size: number): string }).nanoid(MORE_THAN_A_POOL);
  }
}
