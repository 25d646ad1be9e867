/** Hosts in processes of their own, for tests that kill them or start them in other circumstances. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { Test } from 'tap';
import { FIXTURES } from './zygote.js';

const LIBRARY = new URL('../../lib/index.js', import.meta.url).href;

const PRELUDE = `
import { Zygote } from ${JSON.stringify(LIBRARY)};
import { writeSync } from 'node:fs';
/** Tells the test something, whatever becomes of the process next. */
const say = (value) => { writeSync(3, JSON.stringify(value) + '\\n'); };
const FIXTURES = ${JSON.stringify(FIXTURES)};
`;

export interface HostOptions {
  /** A program and its arguments by which node is started, such as `unshare --pid --fork`. */
  readonly through?: readonly string[];
  /** Options for node. */
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Further descriptors that it inherits, from 4 on. */
  readonly inherited?: readonly number[];
  /** @default 'ignore' */
  readonly stdin?: 'ignore' | 'pipe';
}

export interface HostEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stderr: string;
}

export class HostProgram {
  readonly process: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #end: Promise<HostEnd>;

  /**
   * @param source the text of an ES module, in which `Zygote`, `say()` and `FIXTURES` are there. It is ended with the
   *   test, if it has not by then.
   */
  constructor(
    t: Test,
    source: string,
    { through = [], flags = [], env = {}, inherited = [], stdin = 'ignore' }: HostOptions = {},
  ) {
    const [command = '', ...args] = through.concat(
      process.execPath,
      flags,
      '--input-type=module',
      '-e',
      PRELUDE + source,
    );
    this.process = spawn(command, args, {
      stdio: [stdin, 'ignore', 'pipe', 'pipe', ...inherited],
      env: { PATH: process.env.PATH, ...env },
      // A group of its own, to which signals can be sent as a terminal does.
      detached: true,
    });
    t.teardown(() => this.process.kill('SIGKILL'));
    const { stderr } = this.process;
    const errors = stderr === null ? Promise.resolve('') : text(stderr);
    this.#lines = createInterface({ input: this.process.stdio[3] as Readable })[Symbol.asyncIterator]();
    const exited = once(this.process, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
    this.#end = Promise.all([exited, errors]).then(([[code, signal], written]) => ({
      code,
      signal,
      stderr: written,
    }));
    this.#end.catch(() => undefined);
  }

  get pid(): number {
    return this.process.pid ?? 0;
  }

  /** The next thing that it says. */
  async next<T>(): Promise<T> {
    const line = await this.#lines.next();
    if (line.done === true) throw new Error(`the host said nothing more: ${JSON.stringify(await this.#end)}`);
    return JSON.parse(line.value) as T;
  }

  /** How it ended. */
  end(): Promise<HostEnd> {
    return this.#end;
  }
}
