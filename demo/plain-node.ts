/** How long a plain `node` takes to load modules, on the clock that all processes share (CLOCK_MONOTONIC). */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';

/** @returns milliseconds until its first line of code after them */
export async function plainNode(modules: readonly string[], from: string): Promise<number> {
  const imports = modules.map((name) => `await import(${JSON.stringify(name)});`).join(' ');
  const code = `${imports} console.log(process.hrtime.bigint().toString())`;
  const since = process.hrtime.bigint();
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
    cwd: from,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [stdout] = await Promise.all([text(child.stdout), once(child, 'close')]);
  return Number(BigInt(stdout) - since) / 1e6;
}
