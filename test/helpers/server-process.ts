/** Servers that tests start, each a process of its own that ends with the test, or with it if it is killed. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

/** A port of the loopback interface that nobody has now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (typeof address !== 'object' || address === null) throw new Error('a server without a port');
  return address.port;
}

/** Long enough for the slowest machine. */
const PATIENCE_MS = 60_000;

export class ServerProcess {
  readonly #argv: readonly string[];
  readonly #isReady: () => Promise<boolean>;
  #process: ChildProcess | undefined;
  #output = '';

  /** @param isReady whether it answers; not being able to connect is false, or throws */
  constructor(argv: readonly string[], isReady: () => Promise<boolean>) {
    this.#argv = argv;
    this.#isReady = isReady;
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** Resolves when it answers. */
  async start(): Promise<void> {
    // It ends with this process too, however that ends.
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', ...this.#argv], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env.PATH },
    });
    this.#process = child;
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.#output = (this.#output + text).slice(-10_000);
      });
    const deadline = performance.now() + PATIENCE_MS;
    while (!(await this.#isReady().catch(() => false))) {
      const hasEnded = child.exitCode !== null || child.signalCode !== null;
      if (hasEnded || performance.now() > deadline) {
        await this.stop('SIGKILL');
        throw new Error(`${this.#argv[0] ?? ''} ${hasEnded ? 'ended' : "doesn't answer"}: ${this.#output}`);
      }
      await pause(10);
    }
  }

  /** Resolves when it is gone. SIGKILL is what a crash is. */
  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child?.exitCode !== null || child.signalCode !== null) return;
    const end = once(child, 'close');
    child.kill(signal);
    await end;
  }
}
