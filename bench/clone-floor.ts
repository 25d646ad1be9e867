/** The kernel's own price of a process (clone-floor.c), in the same run as everything else that is compared with it. */
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, renameSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { SandboxLayer } from '../lib/layers.js';
import type { Contestant } from './contestants.js';

const root = fileURLToPath(new URL('../../', import.meta.url));

const CLONE_NEWPID = 0x2000_0000;
/** Of clone(2): the namespaces that each child gets, by the layer that they belong to. */
const NAMESPACES: Partial<Record<SandboxLayer, number>> = {
  files: 0x0002_0000, // CLONE_NEWNS
  cgroup: 0x0200_0000,
  uts: 0x0400_0000,
  ipc: 0x0800_0000,
  network: 0x4000_0000,
};

/** The flags of clone(2) for the namespaces that a child of this sandbox has of its own. */
export function namespaceFlags(layers: readonly SandboxLayer[]): number {
  return layers.reduce((flags, layer) => flags | (NAMESPACES[layer] ?? 0), CLONE_NEWPID);
}

export interface CloneFloor extends Contestant, AsyncDisposable {
  /** How many one after the other in about so many milliseconds, in each second. */
  perSecond(ms: number): Promise<number>;
}

function compile(): string {
  const folder = path.join(root, 'build/bench');
  mkdirSync(folder, { recursive: true });
  const program = path.join(folder, 'clone-floor');
  // Others may be running the one that is there.
  const fresh = `${program}-${process.pid}`;
  execFileSync('gcc', ['-O2', '-static', '-o', fresh, path.join(root, 'bench/clone-floor.c')]);
  renameSync(fresh, program);
  return program;
}

/**
 * @param flags of clone(2)
 * @param pages how many pages of memory each process writes to, which the kernel copies
 */
export function startCloneFloor(flags = 0, pages = 0): CloneFloor {
  const running = spawn(compile(), [flags.toString(16), String(pages)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: running.stdout })[Symbol.asyncIterator]();
  async function ask(ms: string): Promise<[count: number, ms: number]> {
    running.stdin.write(`${ms}\n`);
    const line = await lines.next();
    if (line.done === true) throw new Error('clone-floor has ended');
    const [count = NaN, nanoseconds = NaN] = line.value.split(' ').map(Number);
    return [count, nanoseconds / 1e6];
  }
  return {
    async measure() {
      return (await ask(''))[1];
    },
    async perSecond(ms) {
      const [count, elapsed] = await ask(String(ms));
      return (count / elapsed) * 1000;
    },
    async [Symbol.asyncDispose]() {
      running.stdin.end();
      await lines.return?.();
    },
  };
}
