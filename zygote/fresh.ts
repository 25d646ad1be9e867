/**
 * What makes the clone a fresh process for the code that runs in it, as far as JavaScript can.
 *
 *   zygote, first of all     beginPreload()    stand-ins for what preloaded modules must not use up
 *   zygote, before sealing   prepareFresh()    all that can be done ahead, for all children at once
 *   child, before the code   becomeFresh()     the rest: each page that it touches is copied
 *
 * Not covered: process.argv0, which Node freezes (start the zygote with the argv0 that children should see); what Node
 * and ICU take from the environment once, when they start (NODE_OPTIONS, NODE_PATH, LANG and so on); the command line
 * in process.report; handlers and timers of preloaded modules, which go on in the child, as they should.
 */
import Module from 'node:module';
import vm from 'node:vm';
import { freshClock, installClock, replaceUptime, sealClock } from './clock.js';
import { hideInternals } from './internals.js';
import { installPreloadStdio, sealStdio } from './stdio.js';
import { installWorkers, setWorkerFlags } from './workers.js';

export interface PrepareOptions {
  /** Modules below these directories are our own: code in the child can't get at them by way of `require.cache`. */
  readonly ownDirectories: readonly string[];
}

export interface FreshProcess {
  readonly pid: number;
  /** The whole of process.argv. */
  readonly argv: readonly string[];
  readonly execArgv: readonly string[];
  /** The whole environment. It replaces the zygote's. */
  readonly env: Readonly<Record<string, string>>;
  /** @default where the process is already */
  readonly cwd?: string | undefined;
  readonly title?: string | undefined;
  /** Makes process.uptime() count from now on. For where the native side couldn't. */
  readonly replaceUptime?: boolean | undefined;
}

interface ModuleCaches {
  readonly _cache: NodeJS.Dict<NodeJS.Module>;
  readonly _pathCache: Record<string, string>;
}

export function beginPreload(): void {
  installClock();
  installPreloadStdio();
  installWorkers();
}

export function prepareFresh({ ownDirectories }: PrepareOptions): void {
  sealClock();
  sealStdio();
  forgetOwnModules(ownDirectories);
  forgetMain();
  process.exitCode = undefined;
  hideInternals();
  for (const name of ['Module', 'SourceTextModule', 'SyntheticModule']) Reflect.deleteProperty(vm, name);
  Module.syncBuiltinESMExports();
}

/** As in a program that imports the code: no module is the script that was given to node. */
function forgetMain(): void {
  Reflect.deleteProperty(process, 'mainModule');
  // Node keeps it here too.
  delete (Module.prototype.require as { main?: unknown }).main;
}

function forgetOwnModules(directories: readonly string[]): void {
  const prefixes = directories.map((directory) => (directory.endsWith('/') ? directory : `${directory}/`));
  const isOwn = (filename: string): boolean => prefixes.some((prefix) => filename.startsWith(prefix));
  // By file name; and what was resolved, by where it was asked for.
  const { _cache: cache, _pathCache: resolved } = Module as unknown as ModuleCaches;
  for (const filename of Object.keys(cache)) {
    if (isOwn(filename)) Reflect.deleteProperty(cache, filename);
  }
  for (const module of Object.values(cache)) {
    if (module !== undefined) module.children = module.children.filter(({ filename }) => !isOwn(filename));
  }
  for (const [request, filename] of Object.entries(resolved)) {
    if (isOwn(filename)) Reflect.deleteProperty(resolved, request);
  }
}

export function becomeFresh(fresh: FreshProcess): void {
  freshClock();
  Object.defineProperty(process, 'pid', {
    value: fresh.pid,
    writable: false,
    enumerable: true,
    configurable: true,
  });
  process.argv = [...fresh.argv];
  process.execArgv = [...fresh.execArgv];
  setWorkerFlags(fresh.execArgv);
  replaceEnvironment(fresh.env);
  // Node remembers where it is until it is told to go somewhere.
  process.chdir(fresh.cwd ?? '.');
  if (fresh.title !== undefined) process.title = fresh.title;
  if (fresh.replaceUptime === true) replaceUptime();
}

function replaceEnvironment(env: Readonly<Record<string, string>>): void {
  const current = process.env;
  for (const name of Object.keys(current)) {
    if (!Object.hasOwn(env, name)) delete current[name];
  }
  for (const [name, value] of Object.entries(env)) {
    // Setting TZ, even to what it is, makes ICU read its time zone again.
    if (current[name] !== value) current[name] = value;
  }
}
