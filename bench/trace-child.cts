/**
 * The child's half of trace.ts: preloaded in the zygote, wraps functions of the addon and of the zygote's own modules,
 * and prints what they noted to stderr, after the result.
 */
import fs from 'node:fs';

type AnyFunction = (...args: unknown[]) => unknown;
type Wrapped = Record<string, AnyFunction>;

const marks: Record<string, string> = {};
const { hrtime } = process;

/** The last time counts: before the job there are rehearsals. */
function mark(name: string): void {
  marks[name] = String(hrtime.bigint());
}

/** Notes the time before and after each call. */
function wrap(target: Wrapped, name: string, before: string | undefined, after: string | undefined): void {
  const original = target[name];
  if (original === undefined) throw new Error(`There is no ${name} to trace`);
  target[name] = (...args) => {
    if (before !== undefined) mark(before);
    const returned = original(...args);
    if (after !== undefined) mark(after);
    return returned;
  };
}

/** What one of the zygote's modules exports. */
function moduleOf(file: string): Wrapped {
  const found = Object.values(require.cache).find((module) => module?.filename.endsWith(file));
  if (found === undefined) throw new Error(`${file} is not loaded`);
  return found.exports as Wrapped;
}

const { addon } = moduleOf('/zygote/first.js') as unknown as { addon: Wrapped };
wrap(addon, 'sealAndServe', undefined, 'resumed');
wrap(addon, 'sealAgain', undefined, 'resumed');
wrap(addon, 'resetStartTime', 'tablesMapped', undefined);
wrap(moduleOf('/protocol/job.js'), 'decodeJob', 'jobReceived', 'jobDecoded');
wrap(moduleOf('/zygote/user-module.js'), 'compileUserModule', 'compiling', 'compiled');
wrap(moduleOf('/protocol/result.js'), 'encodeResult', 'returned', 'encoded');

const { exitNow } = addon;
addon.exitNow = (code) => {
  mark('resultWritten');
  fs.writeSync(2, JSON.stringify(marks));
  return exitNow?.(code);
};
const { becomeFresh } = moduleOf('/zygote/fresh.js');
moduleOf('/zygote/fresh.js').becomeFresh = (...args) => {
  becomeFresh?.(...args);
  mark('fresh');
};
