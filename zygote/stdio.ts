/**
 * process.stdin, stdout and stderr of the child are its own, even if preloaded modules used or kept the zygote's.
 *
 * While the zygote preloads, stand-ins take their place, so that Node makes none of the real ones: those would have
 * handles in the event loop, and be made for whatever the zygote's fds are (a file, a terminal). What was kept of the
 * stand-ins becomes the real stream in the child. What was set on them, or listens to them, is left behind.
 */
import fs from 'node:fs';
import { Readable, Writable } from 'node:stream';
import { internalBinding } from './internals.js';

type Name = 'stdin' | 'stdout' | 'stderr';

const getters = new Map<Name, PropertyDescriptor>();
let sealed = false;

function zygoteStream(name: Name): object {
  if (name === 'stdin') return Readable.from([]);
  const fd = name === 'stdout' ? 1 : 2;
  const stream = new Writable({
    decodeStrings: true,
    write(chunk: Buffer, _encoding, callback) {
      try {
        for (let written = 0; written < chunk.length;) written += fs.writeSync(fd, chunk, written);
      } catch {
        // Nobody reads it: no reason for start() to fail.
      }
      callback();
    },
  });
  return Object.assign(stream, { fd, _isStdio: true });
}

/** An object that is the zygote's stream until sealed, and then whatever process has under that name. */
function standIn(name: Name): object {
  const zygotes = zygoteStream(name);
  const current = (): object => (sealed ? process[name] : zygotes);
  // Every trap that is not here falls to `zygotes`, which is extensible, so no invariant of proxies is hurt.
  return new Proxy(zygotes, {
    get: (_target, key) => Reflect.get(current(), key) as unknown,
    set: (_target, key, value) => Reflect.set(current(), key, value),
    has: (_target, key) => Reflect.has(current(), key),
    defineProperty: (_target, key, descriptor) => Reflect.defineProperty(current(), key, descriptor),
    deleteProperty: (_target, key) => Reflect.deleteProperty(current(), key),
    getPrototypeOf: () => Reflect.getPrototypeOf(current()),
  });
}

export function installPreloadStdio(): void {
  for (const name of ['stdin', 'stdout', 'stderr'] as const) {
    if (getters.has(name)) continue;
    getters.set(name, Object.getOwnPropertyDescriptor(process, name) ?? {});
    const stream = standIn(name);
    Object.defineProperty(process, name, { configurable: true, enumerable: true, get: () => stream });
  }
}

/** Puts the real ones back, which Node makes when they are first used. */
export function sealStdio(): void {
  for (const [name, getter] of getters) Object.defineProperty(process, name, getter);
  sealed = true;
  // For those that were made before the stand-ins came.
  (internalBinding('process_methods') as { resetStdioForTesting(): void }).resetStdioForTesting();
  freshConsole();
}

interface ConsoleState {
  _stdout: unknown;
  _stderr: unknown;
  readonly _times?: Map<string, unknown>;
  [key: symbol]: unknown;
}

/** The global console keeps the streams, and its own state: labels of count() and time(), the depth of group(). */
function freshConsole(): void {
  const state = console as unknown as ConsoleState;
  // It takes the streams from process again if it has none.
  state._stdout = undefined;
  state._stderr = undefined;
  state._times?.clear();
  for (const key of Object.getOwnPropertySymbols(state)) {
    if (key.description === 'counts') (state[key] as Map<string, unknown>).clear();
    if (key.description === 'kGroupIndent' || key.description === 'kGroupIndentationString') state[key] = '';
  }
}
