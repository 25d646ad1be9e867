/** Programs and addons of test/fixtures that are written in C. The compiler is the one that built this package. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Test } from 'tap';
import { FIXTURES } from './zygote.js';

const HEADERS = fileURLToPath(new URL('../../../node_modules/node-api-headers/include', import.meta.url));

/** The path of the program, which is there until the test ends. */
export function compile(t: Test, name: string, as: 'program' | 'addon'): string {
  const folder = mkdtempSync(join(tmpdir(), 'nodespawner-compiled-'));
  t.teardown(() => {
    rmSync(folder, { recursive: true });
  });
  const output = join(folder, as === 'addon' ? `${name}.node` : name);
  const flags = as === 'addon' ? ['-shared', '-fPIC', `-I${HEADERS}`] : [];
  execFileSync('cc', [
    '-O1',
    '-Wall',
    '-D_GNU_SOURCE',
    ...flags,
    join(FIXTURES, `${name}.c`),
    '-o',
    output,
    '-pthread',
  ]);
  return output;
}
