/** The standard streams of a child, seen from the host. */
import { readSync } from 'node:fs';
import { Socket } from 'node:net';
import { Readable, Writable } from 'node:stream';
import { collect, type Collected } from './collect.js';
import { native } from './native.js';
import type { CheckedProcessOptions } from './options.js';
import type { CapturedOutput, OutputMode } from './types.js';

const STDOUT_FD = 1;
const STDERR_FD = 2;

/** A pipe to or from the child. Its stream is made when it is first asked for: most children's never are. */
class StandardStream<T extends Readable | Writable> {
  readonly #fd: number;
  readonly #open: (fd: number) => T;
  readonly #rest: (fd: number) => T;
  #stream: T | undefined;
  #kept = false;

  constructor(fd: number, open: (fd: number) => T, rest: (fd: number) => T) {
    this.#fd = fd;
    this.#open = open;
    this.#rest = rest;
  }

  get stream(): T {
    return (this.#stream ??= this.#open(this.#fd));
  }

  /** Reads on by other means, unless somebody has asked for the stream; `keep` owns the descriptor. */
  keep(keep: (fd: number) => T): void {
    if (this.#stream !== undefined) return;
    this.#kept = true;
    this.#stream = keep(this.#fd);
  }

  /** The child is gone. What nobody has asked for so far is kept, at most what a pipe holds, and the pipe closed. */
  finish(): void {
    if (this.#kept) return;
    if (this.#stream !== undefined) {
      if (this.#stream instanceof Writable && !(this.#stream instanceof Readable && this.#stream.readable)) {
        this.#stream.destroy();
      }
      return;
    }
    this.#stream = this.#rest(this.#fd);
    native.close(this.#fd);
  }
}

function readRest(fd: number): Readable {
  const chunks: Buffer[] = [];
  native.setNonBlocking(fd);
  const chunk = Buffer.allocUnsafe(65536);
  try {
    for (let got; (got = readSync(fd, chunk)) > 0;) chunks.push(Buffer.from(chunk.subarray(0, got)));
  } catch {
    // EAGAIN: somebody else still has the writing end; they are not ours to wait for.
  }
  return Readable.from(chunks, { objectMode: false });
}

const openOutput = (fd: number): Readable => new Socket({ fd, readable: true, writable: false });

function openInput(fd: number): Writable {
  const stream = new Socket({ fd, readable: false, writable: true });
  // A child that ends without having read its input is no error of the host's.
  stream.on('error', () => undefined);
  return stream;
}

function closedInput(): Writable {
  const stream = new Writable({
    write: (_chunk, _encoding, done) => {
      done();
    },
  });
  stream.destroy();
  return stream;
}

/**
 * SECURITY: a child gets no descriptor of the host's. By one of a log it could read what was written before and empty it, by
 * one of a terminal read keys, over a socket send descriptors, and all share their flags with the host.
 */
function handOn(fd: number, to: Writable): Promise<void> {
  const source = openOutput(fd).on('data', (chunk: Buffer) => {
    if (to.write(chunk)) return;
    source.pause();
    to.once('drain', () => source.resume());
  });
  return new Promise((resolve) => {
    source.once('close', () => {
      resolve();
    });
  });
}

async function* once(collected: Promise<Collected>): AsyncGenerator<Buffer> {
  const { bytes } = await collected;
  if (bytes.length > 0) yield bytes;
}

interface OutputLimits {
  /** How much is kept. */
  readonly maxBytes: number;
  /** How much is read at all. */
  readonly stopAfter: number;
  readonly onFlood: () => void;
}

class Output {
  /** The child's end. */
  readonly childFd: number;
  readonly pipe: StandardStream<Readable> | null = null;
  readonly captured: Promise<CapturedOutput> | undefined;
  /** Resolves when all has been handed on to a stream of the host's. */
  readonly forwarded: Promise<void> | undefined;
  readonly #limits: OutputLimits;

  constructor(mode: Exclude<OutputMode, 'ignore'>, inherited: number, limits: OutputLimits) {
    this.#limits = limits;
    const [readEnd, writeEnd] = native.pipe();
    this.childFd = writeEnd;
    if (mode === 'inherit') {
      this.forwarded = handOn(readEnd, inherited === STDOUT_FD ? process.stdout : process.stderr);
      return;
    }
    if (mode === 'pipe') {
      this.pipe = new StandardStream(readEnd, openOutput, readRest);
      return;
    }
    try {
      this.captured = this.#collect(readEnd).then(({ bytes, truncated }) => {
        return { bytes, text: bytes.toString(), truncated };
      });
    } catch (error) {
      native.close(writeEnd);
      throw error;
    }
  }

  /** Nobody reads a pipe so far: what comes is kept up to the limit for who may ask later, so that it never fills. */
  keepUnread(): void {
    this.pipe?.keep((fd) => {
      try {
        return Readable.from(once(this.#collect(fd)), { objectMode: false });
      } catch {
        // Too little memory or descriptors left to wait for it: it is closed, and the child's writes fail.
        return Readable.from([], { objectMode: false });
      }
    });
  }

  /** @throws if it can't be begun */
  #collect(fd: number): Promise<Collected> {
    const { maxBytes, stopAfter, onFlood } = this.#limits;
    return collect(fd, maxBytes, stopAfter).then((collected) => {
      if (collected.stopped) onFlood();
      return collected;
    });
  }
}

/** What was captured. */
export interface Captured {
  readonly stdout?: CapturedOutput;
  readonly stderr?: CapturedOutput;
}

const NOTHING: Captured = {};

/** The child's ends by what they are there. One that is absent is /dev/null, which it has already. */
export interface ChildFds {
  stdin?: number;
  stdout?: number;
  stderr?: number;
}

export class Stdio {
  readonly #stdin: StandardStream<Writable> | null = null;
  readonly #stdout: Output | undefined;
  readonly #stderr: Output | undefined;
  readonly childFds: Readonly<ChildFds>;

  /** Called when a captured stream has had more than `outputBytes`. */
  onFlood: () => void = () => undefined;

  /** @throws what making a pipe fails with, such as EMFILE; nothing is left open then */
  constructor(options: CheckedProcessOptions, outputBytes: number) {
    const childFds: ChildFds = {};
    this.childFds = childFds;
    const onFlood = (): void => {
      this.onFlood();
    };
    const limits = { maxBytes: options.maxCaptureBytes, stopAfter: outputBytes, onFlood };
    if (options.stdin === 'pipe') {
      const [readEnd, writeEnd] = native.pipe();
      childFds.stdin = readEnd;
      this.#stdin = new StandardStream(writeEnd, openInput, closedInput);
    }
    try {
      // By number: in a worker thread process.stdout has none.
      if (options.stdout !== 'ignore') {
        this.#stdout = new Output(options.stdout, STDOUT_FD, limits);
        childFds.stdout = this.#stdout.childFd;
      }
      if (options.stderr === 'stdout') {
        if (this.#stdout !== undefined) childFds.stderr = this.#stdout.childFd;
      } else if (options.stderr !== 'ignore') {
        this.#stderr = new Output(options.stderr, STDERR_FD, limits);
        childFds.stderr = this.#stderr.childFd;
      }
    } catch (error) {
      this.closeChildFds();
      void this.finish();
      throw error;
    }
  }

  /** The child has its own copies. */
  closeChildFds(): void {
    const { stdin } = this.childFds;
    if (stdin !== undefined) native.close(stdin);
    if (this.#stdout !== undefined) native.close(this.#stdout.childFd);
    if (this.#stderr !== undefined) native.close(this.#stderr.childFd);
  }

  get stdin(): Writable | null {
    return this.#stdin?.stream ?? null;
  }

  get stdout(): Readable | null {
    return this.#stdout?.pipe?.stream ?? null;
  }

  get stderr(): Readable | null {
    return this.#stderr?.pipe?.stream ?? null;
  }

  /** From now on output that nobody has asked for doesn't hold the child up. */
  keepUnread(): void {
    this.#stdout?.keepUnread();
    this.#stderr?.keepUnread();
  }

  /** The child is gone. What it has printed, once the pipes have come to their ends where that matters to anybody. */
  finish(): Captured | Promise<Captured> {
    this.#stdin?.finish();
    this.#stdout?.pipe?.finish();
    this.#stderr?.pipe?.finish();
    const isOver = [this.#stdout, this.#stderr].every((output) => output?.pipe !== null);
    return isOver ? NOTHING : this.#rest();
  }

  async #rest(): Promise<Captured> {
    await Promise.all([this.#stdout?.forwarded, this.#stderr?.forwarded]);
    const [stdout, stderr] = await Promise.all([this.#stdout?.captured, this.#stderr?.captured]);
    return { ...(stdout && { stdout }), ...(stderr && { stderr }) };
  }
}
