/** A child that runs code: spawn() and run(). */
import { types } from 'node:util';
import { encodeParams, type SourceKind } from '../protocol/messages.js';
import { collect } from './collect.js';
import { InvalidOptionError, NodespawnerError } from './errors.js';
import { Handle, pin } from './handle.js';
import { type InputTables, placeTables } from './input-tables.js';
import { addStandardFds, packJob } from './job-message.js';
import { keepAliveUntil, keptAlive } from './keep-alive.js';
import { native } from './native.js';
import type { CheckedSpawnOptions } from './options.js';
import { hasNoTables, readAnswer, toResult, type Answer } from './outcome.js';
import { createOutput } from './output-tables.js';
import { MAX_RESULT_DEPTH } from './result-limits.js';
import { RunningChild, toSpawnError } from './running-child.js';
import type { SharedMemory } from './shared-memory.js';
import { Stdio } from './stdio.js';
import type { Child, Inputs, Result, SourceFormat } from './types.js';
import type { ZygoteContext } from './zygote-context.js';

class CodeChild extends Handle implements Child {
  readonly #result: Promise<Result>;
  readonly #running: RunningChild;
  readonly #stdio: Stdio;
  #pinned = false;

  constructor(running: RunningChild, stdio: Stdio, pid: number, result: Promise<Result>) {
    super(running, stdio, pid);
    this.#result = result;
    this.#running = running;
    this.#stdio = stdio;
  }

  get result(): Promise<Result> {
    // Who waits for the result needs the child, and may hold nothing else.
    if (!this.#pinned) {
      this.#pinned = true;
      pinUntilSettled(this.#result, this);
      // Who waits for the result may well ask for a stream right after; who doesn't, waits for nothing else.
      setImmediate(() => {
        if (!this.#running.isOver) this.#stdio.keepUnread();
      });
    }
    return this.#result;
  }
}

const awaited = new Set<object>();

function pinUntilSettled(promise: Promise<unknown>, handle: object): void {
  awaited.add(handle);
  const release = (): void => {
    awaited.delete(handle);
  };
  void promise.then(release, release);
  void pin(promise, handle);
}

const SOURCE_KINDS: Readonly<Record<SourceFormat, SourceKind>> = {
  auto: 'detect',
  commonjs: 'commonjs',
  module: 'module',
};

const NOTHING = (): void => undefined;

export interface StartedCode {
  readonly running: RunningChild;
  readonly stdio: Stdio;
  readonly result: Promise<Result>;
}

/** The whole way of one call, from checked arguments to the promise of a result. */
export async function startCode(
  context: ZygoteContext,
  code: string,
  inputs: Inputs,
  options: CheckedSpawnOptions,
): Promise<StartedCode> {
  const startedAt = performance.now();
  if (inputs.tables !== undefined && Object.keys(inputs.tables).length > 0 && !context.hasArrow) {
    throw new NodespawnerError(
      'ERR_ARROW_NOT_PRELOADED',
      "inputs.tables needs apache-arrow in the child: add 'apache-arrow' to the option preload of Zygote.start()",
    );
  }
  const cleanups: (() => void)[] = [];
  const own = (fd: number): number => {
    cleanups.push(() => {
      native.close(fd);
    });
    return fd;
  };
  const cleanUp = (): void => {
    for (const close of cleanups.splice(0)) close();
  };
  let stdio: Stdio | undefined;
  let releaseOutput = NOTHING;
  try {
    const { params = {} } = inputs;
    const placing = placeTables(inputs.tables);
    const taken = types.isPromise(placing) ? paramsAsTheyAre(params, placing) : params;
    const placed = types.isPromise(placing) ? await placing : placing;
    cleanups.push(() => {
      placed.release();
    });
    options.signal?.throwIfAborted();
    const memory = createOutput(options.maxTableBytes);
    releaseOutput = () => {
      releaseOutput = NOTHING;
      memory.release();
    };
    const [resultRead, resultWrite] = native.pipe();
    own(resultWrite);
    const answer = collect(resultRead, options.maxResultBytes, options.maxResultBytes).then((collected) => {
      const read = readAnswer(collected, options);
      if (read.stopped) running.kill({ kind: 'limitExceeded', limit: 'maxResultBytes' });
      if (hasNoTables(read)) releaseOutput();
      return read;
    });
    stdio = new Stdio(options, context.limits.outputBytes);
    cleanups.push(() => {
      stdio?.closeChildFds();
    });

    const fds: number[] = [];
    const index = (fd: number): number => fds.push(fd) - 1;
    const jobFds = {
      ...addStandardFds(stdio.childFds, fds),
      result: index(resultWrite),
      output: index(memory.fd),
    };
    const memories = new Map<SharedMemory, number>();
    const indexOf = (input: SharedMemory): number => {
      const known = memories.get(input) ?? index(input.fd);
      memories.set(input, known);
      return known;
    };
    const job = await packJob(
      {
        task: {
          kind: 'source',
          code,
          filename: options.filename,
          sourceKind: SOURCE_KINDS[options.format],
          typescript: options.typescript,
          params: taken,
          adapter: options.adapter && {
            specifier: options.adapter.module,
            exportName: options.adapter.export,
          },
        },
        tables: placed.tables.map((table) => {
          const { name } = table;
          if ('bytes' in table) return { name, place: { bytes: table.bytes } };
          const { memory: input, offset, length } = table.range;
          return { name, place: { range: { fd: indexOf(input), offset, length } } };
        }),
        fds: jobFds,
        limits: {
          maxResultBytes: options.maxResultBytes,
          maxResultDepth: MAX_RESULT_DEPTH,
          maxResultElements: options.maxResultElements,
          maxTableBytes: options.maxTableBytes,
        },
        argv: options.argv,
        env: options.env,
        cwd: options.cwd,
      },
      fds,
    );
    const running = new RunningChild(context, options, stdio, job, startedAt, cleanUp);
    const result = settle(running, answer, memory, options, context).finally(() => {
      releaseOutput();
    });
    keepAliveUntil(result);
    return { running, stdio, result };
  } catch (error) {
    cleanUp();
    if (stdio !== undefined) await keptAlive(Promise.resolve(stdio.finish()));
    releaseOutput();
    throw toSpawnError(error);
  }
}

/** What the caller makes of them while tables are copied is none of the job's. */
function paramsAsTheyAre(params: unknown, placing: Promise<InputTables>): unknown {
  try {
    return encodeParams(params);
  } catch (error) {
    void placing.then(
      (placed) => {
        placed.release();
      },
      () => undefined,
    );
    throw error;
  }
}

async function settle(
  running: RunningChild,
  answer: Promise<Answer>,
  output: SharedMemory,
  options: CheckedSpawnOptions,
  context: ZygoteContext,
): Promise<Result> {
  const reaped = await running.reaped;
  return toResult(reaped, running.ended, await answer, output, options, context);
}

export async function toChild({ running, stdio, result }: StartedCode): Promise<Child> {
  return new CodeChild(running, stdio, await running.started, result);
}

export function checkInputs(inputs: Inputs | undefined): Inputs {
  if (inputs === undefined) return {};
  // Callers may be JavaScript.
  const given: unknown = inputs;
  if (typeof given !== 'object' || given === null)
    throw new InvalidOptionError('inputs', 'an object', inputs);
  const unknown = Object.keys(inputs).find((key) => key !== 'params' && key !== 'tables');
  if (unknown !== undefined) {
    throw new InvalidOptionError(
      `inputs.${unknown}`,
      'absent: there are params and tables',
      Reflect.get(inputs, unknown),
    );
  }
  const tables: unknown = inputs.tables;
  if (tables !== undefined && (typeof tables !== 'object' || tables === null)) {
    throw new InvalidOptionError('inputs.tables', 'an object of tables', tables);
  }
  return inputs;
}
