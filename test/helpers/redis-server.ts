/** Debian's Redis, one for a test, with nothing of the machine's configuration. */
import { mkdtempSync, rmSync } from 'node:fs';
import { once } from 'node:events';
import { connect } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import type { Test } from 'tap';
import { freePort, ServerProcess } from './server-process.js';

export class RedisServer {
  readonly port: number;
  /** A UNIX socket that it listens to as well. */
  readonly socket: string;
  readonly #process: ServerProcess;
  readonly #password: string | undefined;

  constructor(dir: string, port: number, password?: string) {
    this.#password = password;
    this.port = port;
    this.socket = path.join(dir, 'redis.sock');
    // What it has acknowledged outlives the process: it writes to its file before it answers. Not so with `everysec`, the
    // default: while the disk is slow to sync it answers, and writes up to 2 s later.
    const options =
      `--bind 127.0.0.1 --port ${port} --unixsocket ${this.socket} --dir ${dir} --save '' --appendonly yes
      --appendfsync no --maxmemory-policy noeviction --daemonize no`.split(/\s+/);
    const argv = [
      'redis-server',
      ...options.map((option) => (option === "''" ? '' : option)),
      ...(password === undefined ? [] : ['--requirepass', password]),
    ];
    this.#process = new ServerProcess(argv, async () => isAnswer(await ask(this.socket, 'PING')));
  }

  get url(): string {
    const user = this.#password === undefined ? '' : `:${encodeURIComponent(this.#password)}@`;
    return `redis://${user}127.0.0.1:${this.port}`;
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** After `stop()`: at the same places, with the data that it had. */
  async start(): Promise<void> {
    await this.#process.start();
  }

  /** SIGKILL is what a crash is. */
  async stop(signal?: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    await this.#process.stop(signal);
  }
}

/** Ends with the test. */
export async function startRedis(t: Pick<Test, 'teardown'>, password?: string): Promise<RedisServer> {
  const dir = mkdtempSync(path.join(os.tmpdir(), 'nodespawner-redis-'));
  const server = new RedisServer(dir, await freePort(), password);
  t.teardown(async () => {
    await server.stop('SIGKILL');
    rmSync(dir, { recursive: true, force: true });
  });
  await server.start();
  return server;
}

/** One with a password asks for it. */
const isAnswer = (line: string): boolean => line === '+PONG' || line.startsWith('-NOAUTH');

/** The first line of what it answers. */
async function ask(socket: string, command: string): Promise<string> {
  const connection = connect(socket).setEncoding('latin1');
  try {
    await once(connection, 'connect');
    connection.write(`${command}\r\n`);
    const [answer] = (await once(connection, 'data')) as [string];
    return answer.split('\r\n')[0] ?? '';
  } finally {
    connection.destroy();
  }
}
