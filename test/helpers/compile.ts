/** Programs and addons of test/fixtures that are written in C. The compiler is the one that built this package. */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Test } from 'tap';
import { FIXTURES } from './zygote.js';

const HEADERS = fileURLToPath(new URL('../../../node_modules/node-api-headers/include', import.meta.url));
const NATIVE = fileURLToPath(new URL('../../../native', import.meta.url));

/** The path of the program, which is there until the test ends, in a folder of its own that anybody may read. */
export function compile(t: Test, name: string, as: 'program' | 'addon', parent = tmpdir()): string {
  const folder = mkdtempSync(join(parent, 'nodespawner-compiled-'));
  chmodSync(folder, 0o755);
  t.teardown(() => {
    rmSync(folder, { recursive: true });
  });
  const output = join(folder, as === 'addon' ? `${basename(name)}.node` : basename(name));
  const flags = as === 'addon' ? ['-shared', '-fPIC', `-I${HEADERS}`] : [];
  execFileSync('cc', [
    '-O1',
    '-Wall',
    '-D_GNU_SOURCE',
    `-I${NATIVE}`,
    ...flags,
    join(FIXTURES, `${name}.c`),
    '-o',
    output,
    '-pthread',
  ]);
  return output;
}
