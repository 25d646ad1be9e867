/** Runs the user's code and sends what becomes of it. */
import fs from 'node:fs';
import type { Table } from 'apache-arrow';
import { DEFAULT_MAX_BYTES } from '../protocol/limits.js';
import {
  encodeResult,
  toBadReturn,
  type JobLimits,
  type Outcome,
  type SourceTask,
} from '../protocol/messages.js';
import { UnsupportedValueError } from '../protocol/errors.js';
import type { ZygoteAddon } from './addon.js';
import { findArrow, type Arrow } from './arrow.js';
import type { ModuleRegistry } from './modules.js';
import { nearMiss } from './near-miss.js';
import { writeTables } from './output.js';
import { takeApart } from './returned.js';
import { TableMemory } from './table-memory.js';
import { tellOfUncaught } from './uncaught.js';
import { compileUserModule } from './user-module.js';
import { entryFunction, type EntryFunction, preloadedFunction } from './entry.js';
import { describeError } from './describe-error.js';

export interface SourceRun {
  readonly addon: Pick<ZygoteAddon, 'reportOutOfMemory' | 'exitNow'>;
  readonly registry: ModuleRegistry;
  readonly task: SourceTask;
  /** Arrow IPC bytes by name. */
  readonly tables: ReadonlyMap<string, Uint8Array>;
  readonly limits: JobLimits;
  readonly resultFd: number;
  readonly outputFd: number;
  /** What has to be done before the code and can fail by what the caller wants, as if the code had done it. */
  readonly enter: () => void;
  /** The process that the run ends, and how. @default this one, which ends as any does */
  readonly process?: object;
  readonly exit?: (code: number) => void;
}

// The user's code may replace them.
const exitProcess = process.exit.bind(process);
const activeResources = process.getActiveResourcesInfo.bind(process);
const { setTimeout } = globalThis;
const { writeSync, closeSync } = fs;

/** Encoded in the zygote: when it is needed there is no memory for it. */
const OUT_OF_MEMORY = Buffer.concat(encodeResult({ kind: 'outOfMemory' }));

/** How often to look whether a pipe that was full has been read, in milliseconds. */
const PRINTING_MS = 1;

/** Resolves when what the code has printed is written: exit() would drop what a full pipe had no room for. */
async function printed(): Promise<void> {
  // Looked for there, so that streams that were never used are not made now.
  if (!activeResources().some((name) => name.endsWith('WriteWrap'))) return;
  for (const stream of [process.stdout, process.stderr]) {
    while (stream.writableLength > 0 && !stream.destroyed) {
      await new Promise((resolve) => setTimeout(resolve, PRINTING_MS));
    }
  }
}

export function runSource(run: SourceRun): void {
  const { addon, registry, task, limits, resultFd, outputFd } = run;
  const { process = globalThis.process, exit = exitProcess } = run;
  const arrow = findArrow(registry);
  let sent = false;

  const send = (outcome: Outcome<unknown>): void => {
    if (sent) return;
    sent = true;
    // What an adapter returns is no near miss of the user's.
    const chunks = encode(outcome, limits, task.adapter === undefined ? arrow : undefined);
    for (const chunk of chunks) {
      for (let done = 0; done < chunk.byteLength;) done += writeSync(resultFd, chunk, done);
    }
    closeSync(resultFd);
  };

  const give = async (returned: unknown): Promise<Outcome<unknown>> => {
    try {
      const { value, tables } = takeApart(returned, arrow);
      const memory = new TableMemory(outputFd, limits.maxTableBytes);
      const places = arrow === undefined ? [] : await writeTables(memory, tables, arrow);
      return { kind: 'returned', value, tables: places };
    } catch (error) {
      return toBadReturn(error) ?? threw(error);
    }
  };

  /** The 'exit' handlers run as in any process; then the result is the last thing that the process does. */
  const endWith = (outcome: Outcome<unknown>): void => {
    Object.defineProperty(process, 'reallyExit', {
      configurable: true,
      value: () => {
        send(outcome);
        addon.exitNow(0);
      },
    });
    exit(0);
  };

  tellOfUncaught((error) => {
    send(threw(error));
  });
  addon.reportOutOfMemory(resultFd, OUT_OF_MEMORY);

  const work = async (): Promise<unknown> => {
    run.enter();
    const { code, filename, sourceKind } = task;
    const source = {
      code,
      filename,
      kind: sourceKind === 'detect' ? undefined : sourceKind,
      typescript: task.typescript || undefined,
    };
    const module = compileUserModule(source, registry);
    const exports = await module.load();
    const call =
      task.adapter === undefined
        ? entryFunction(exports, module.kind, filename)
        : adapted(preloadedFunction(registry, task.adapter, 'options.adapter'), exports, filename, registry);
    const tables: Record<string, Table> = {};
    for (const [name, bytes] of run.tables) {
      Object.defineProperty(tables, name, {
        value: arrow?.tableFromIPC(bytes),
        enumerable: true,
        writable: true,
        configurable: true,
      });
    }
    return call({ params: task.params, tables });
  };
  work()
    .then(give, threw)
    .then(async (outcome) => {
      await printed();
      endWith(outcome);
    })
    .catch((error: unknown) => {
      endWith(threw(error));
    });
}

/** The adapter sees to it which exports are called, and with what. It finds what the code finds. */
function adapted(
  adapter: EntryFunction,
  exports: unknown,
  filename: string,
  registry: ModuleRegistry,
): EntryFunction {
  const require = (specifier: string): unknown => registry.get(specifier, filename, 'require').exports;
  return (inputs) => adapter(exports, inputs, require);
}

function threw(thrown: unknown): Outcome<unknown> {
  const { causes, ...error } = describeError(thrown);
  return { kind: 'threw', error, causes };
}

/** @param arrow where what can't be sent may be tables that were meant as such */
function encode(outcome: Outcome<unknown>, limits: JobLimits, arrow: Arrow | undefined): Buffer[] {
  const codecLimits = {
    maxBytes: limits.maxResultBytes,
    maxDepth: limits.maxResultDepth,
    maxElements: limits.maxResultElements,
  };
  try {
    return encodeResult(outcome, codecLimits);
  } catch (error) {
    const isRefused = outcome.kind === 'returned' && error instanceof UnsupportedValueError;
    const meant = isRefused ? nearMiss(outcome.value, arrow) : undefined;
    // Of any length: where not even this fits, the host sees that the result is too long.
    return encodeResult(toBadReturn(meant ?? error) ?? threw(error), {
      ...codecLimits,
      maxBytes: DEFAULT_MAX_BYTES,
    });
  }
}
