/** The kernel's own price of a process (clone-floor.c), in the same run as everything else that is compared with it. */
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Contestant } from './contestants.js';

const root = fileURLToPath(new URL('../../', import.meta.url));

export function startCloneFloor(): Contestant & AsyncDisposable {
  const folder = path.join(root, 'build/bench');
  mkdirSync(folder, { recursive: true });
  const program = path.join(folder, 'clone-floor');
  execFileSync('gcc', ['-O2', '-static', '-o', program, path.join(root, 'bench/clone-floor.c')]);

  const running = spawn(program, { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: running.stdout })[Symbol.asyncIterator]();
  return {
    async measure() {
      running.stdin.write('\n');
      const line = await lines.next();
      if (line.done === true) throw new Error('clone-floor has ended');
      return Number(line.value) / 1e6;
    },
    async [Symbol.asyncDispose]() {
      running.stdin.end();
      await lines.return?.();
    },
  };
}
