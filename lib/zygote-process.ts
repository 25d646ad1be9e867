/** Starts the zygote and tells whether it can clone. */
import { spawn, type ChildProcess as NodeChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { SandboxConfig, ZygoteConfig, ZygoteComplaint } from '../protocol/start.js';
import { collect } from './collect.js';
import { Control } from './control.js';
import { NodespawnerError, ZygoteStartError } from './errors.js';
import { beginCall, endCall } from './keep-alive.js';
import { launcherPath, preloadedLibraryPath, zygoteAddonPath } from './native-path.js';
import { native, REPLY_READY, REPLY_WARM, type Reply } from './native.js';
import { hintFor } from './hints.js';
import type { CheckedSandboxOptions, CheckedZygoteOptions } from './options.js';
import { Pool, type ParkFailure } from './pool.js';
import { planSandbox, type SandboxPlan } from './sandbox.js';
import type { ActiveSandbox, Pinning } from './types.js';

/** zygote/main.ts and all that it imports (scripts/lib/zygote-bundle.mjs). */
const MAIN = fileURLToPath(new URL('../zygote/bundle.js', import.meta.url));

/** How much of what the zygote prints is kept for an error message. */
const MAX_OUTPUT_BYTES = 64 * 1024;

/**
 * What node is started with, besides the caller's own options: the internals that make a clone a fresh process, modules
 * that are made from source text (vm.SourceTextModule), and quiet about both being experimental.
 */
const NODE_OPTIONS = ['--expose-internals', '--experimental-vm-modules'];

/** Below this, preloading might fail. */
const LEAST_HEAP_MIB = 128;

/**
 * V8 lets garbage lie as long as it may have more, which by itself it reckons from the memory of the machine: a child
 * would be killed for what nobody needs any more.
 */
function heapOptions({ off, limits }: CheckedSandboxOptions): string[] {
  if (off.includes('limits')) return [];
  const mebibytes = Math.floor(limits.memoryBytes / 2 ** 20);
  return [`--max-old-space-size=${Math.max(mebibytes, LEAST_HEAP_MIB)}`];
}

/** How long a zygote that can't start, or has closed its socket, may take to end. */
const END_TIMEOUT_MS = 5_000;

/** Of native/launcher/fail.h: it has said why on stderr. */
const EXIT_SETUP = 125;

export interface ZygoteProcess {
  readonly control: Control;
  readonly pool: Pool;
  readonly threads: number;
  readonly sandbox: ActiveSandbox;
  /** Undefined until it has done all that makes children cheaper. */
  readonly pinning: Pinning | undefined;
  /** Resolves when the zygote and all its children are gone. */
  readonly exited: Promise<void>;
  /** No more children are asked of it: it ends with the last one that it has. */
  retire(): void;
  /** For a zygote that does not end by itself. */
  kill(): void;
}

interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly error?: Error;
}

function watchExit(process: NodeChildProcess): Promise<Exit> {
  return new Promise((resolve) => {
    process.once('exit', (code, signal) => {
      resolve({ code, signal });
    });
    process.once('error', (error) => {
      resolve({ code: null, signal: null, error });
    });
  });
}

/** The launcher, which is static, ignores it, and so it is for node alone: LD_PRELOAD of ld.so(8). */
function withPreloaded(env: CheckedZygoteOptions['env'], library: string): NodeJS.ProcessEnv {
  // What separates one library from the next, and what ld.so(8) replaces, can't be escaped.
  if (/[\s:$]/.test(library)) return env;
  const { LD_PRELOAD } = env;
  return { ...env, LD_PRELOAD: LD_PRELOAD === undefined ? library : `${library}:${LD_PRELOAD}` };
}

interface Launched {
  readonly launcher: NodeChildProcess;
  readonly exit: Promise<Exit>;
  /** What it has written to stdout and stderr, when it and all that it started have ended. */
  readonly output: Promise<string>;
}

/** Owns `zygoteEnd`. */
function launch(options: CheckedZygoteOptions, plan: SandboxPlan, zygoteEnd: number): Launched {
  const inherited = [zygoteEnd];
  try {
    const [outputRead, outputWrite] = native.pipe();
    inherited.push(outputWrite);
    const output = collect(outputRead, MAX_OUTPUT_BYTES, Infinity).then(({ bytes }) => bytes.toString());
    // process.argv0 can't be set later.
    const flags = [...NODE_OPTIONS, ...heapOptions(options.sandbox), ...options.execArgv];
    const node = [options.execPath, 'node', ...flags, MAIN, zygoteAddonPath()];
    const command = [`--host=${process.pid}`, ...plan.launcherArguments, '--', ...node];
    const launcher = spawn(launcherPath(), command, {
      // Not in the host's process group: a Ctrl-C at the terminal is the host's to answer.
      detached: true,
      env: withPreloaded(options.env, preloadedLibraryPath()),
      cwd: '/',
      stdio: ['ignore', outputWrite, outputWrite, zygoteEnd],
    });
    launcher.unref();
    return { launcher, exit: watchExit(launcher), output };
  } finally {
    for (const fd of inherited) native.close(fd);
  }
}

function sendConfig(fd: number, options: CheckedZygoteOptions, sandbox: SandboxConfig): void {
  const { preload, from, execArgv, cwd, typescript, idleTimeoutMs } = options;
  const config: ZygoteConfig = { preload, from, execArgv, cwd, typescript, idleTimeoutMs, sandbox };
  try {
    native.sendMessage(fd, Buffer.from(JSON.stringify(config)), []);
  } catch (error) {
    // EPIPE: the launcher has ended already, and how it did says more.
    if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error;
  }
}

/** @throws {ZygoteStartError} */
export async function startZygoteProcess(
  options: CheckedZygoteOptions,
  onGone: () => void,
  plan: SandboxPlan = planSandbox(options.sandbox),
): Promise<ZygoteProcess> {
  beginCall();
  try {
    return await start(options, onGone, plan);
  } catch (error) {
    if (error instanceof NodespawnerError) throw error;
    const message = `the zygote could not be started: ${(error as Error).message}`;
    throw new ZygoteStartError('ERR_START_FAILED', message, '', { cause: error });
  } finally {
    endCall();
  }
}

async function start(
  options: CheckedZygoteOptions,
  onGone: () => void,
  plan: SandboxPlan,
): Promise<ZygoteProcess> {
  const [hostEnd, zygoteEnd] = native.socketPair();
  let launched: Launched;
  try {
    launched = launch(options, plan, zygoteEnd);
    sendConfig(hostEnd, options, plan.config);
  } catch (error) {
    native.close(hostEnd);
    throw error;
  }
  const { launcher, exit, output } = launched;
  let ready = false;
  let pinning: Pinning | undefined;
  let answered: (reply: Reply | undefined) => void = () => undefined;
  const answer = new Promise<Reply | undefined>((resolve) => {
    answered = resolve;
  });
  const control = new Control(
    hostEnd,
    {
      onReply: (reply) => {
        if (reply.kind === REPLY_WARM) {
          pinning =
            reply.error === null
              ? { isPinned: true }
              : { isPinned: false, step: reply.step, errno: reply.error };
          pool.renew();
        }
        answered(reply);
      },
      onGone: () => {
        answered(undefined);
        pool.close();
        if (ready) onGone();
      },
    },
    () => howItEnded(launched),
  );
  const pool = new Pool(control, options.pool);
  // The zygote finds the request when it begins to serve. The first child shows that children can be had, and confined.
  const parked = pool.park().catch(() => 'gone' as const);
  const kill = (): void => {
    // It kills all of the zygote's, and removes what is left of it.
    launcher.kill('SIGTERM');
  };

  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<'timeout'>((resolve) => {
    timer = setTimeout(resolve, options.startTimeoutMs, 'timeout');
  });
  const first = await Promise.race([answer, timeout, exit.then(() => undefined)]);
  clearTimeout(timer);
  const serves =
    first !== undefined && first !== 'timeout' && first.text === undefined && first.kind === REPLY_READY;
  const failure = serves ? await parked : 'gone';
  if (serves && failure === undefined) {
    ready = true;
    pool.open();
    return {
      control,
      pool,
      threads: first.threads,
      sandbox: plan.active,
      get pinning() {
        return pinning;
      },
      exited: exit.then(() => undefined),
      retire: () => {
        pool.close();
        control.retire();
      },
      kill,
    };
  }
  control.close();
  // One that has ended, or is about to, is left to say how.
  const stubborn = setTimeout(kill, first === 'timeout' ? 0 : END_TIMEOUT_MS);
  const how = await exit;
  clearTimeout(stubborn);
  if (failure !== undefined && failure !== 'gone') throw sandboxUnavailable(failure, await output);
  throw explain(serves ? undefined : first, how, await output, options);
}

/** How much of what it printed last is in the error of a call, in lines. */
const LAST_LINES = 5;

/** For the errors of calls: ` by SIGKILL`, or ` with exit code 1: …`. */
async function howItEnded({ exit, output }: Launched): Promise<string> {
  const unknown = new Promise<undefined>((resolve) => setTimeout(resolve, END_TIMEOUT_MS, undefined).unref());
  const how = await Promise.race([exit, unknown]);
  if (how === undefined) return '';
  const printed = (await Promise.race([output, unknown])) ?? '';
  const last = printed.trimEnd().split('\n').slice(-LAST_LINES).join('\n');
  return ` ${describeExit(how, printed)}${last === '' ? '' : `: ${last}`}`;
}

function describeExit({ code, signal }: Exit, output: string): string {
  // The launcher has no exit code of the zygote's then, and says why if it has ended by itself.
  if (code === EXIT_SETUP && output === '') return 'with its init process, which was killed';
  return signal === null ? `with exit code ${code}` : `by ${signal}`;
}

function sandboxUnavailable({ step, errno }: ParkFailure, output: string): ZygoteStartError {
  const hint = hintFor(step, errno);
  const message = `children can't be confined: ${step} failed with ${errno}${hint === '' ? '' : `; ${hint}`}`;
  return new ZygoteStartError('ERR_SANDBOX_UNAVAILABLE', message, output);
}

function explain(
  first: Reply | undefined | 'timeout',
  exit: Exit,
  output: string,
  options: CheckedZygoteOptions,
): ZygoteStartError {
  if (first === 'timeout') {
    const message = `the zygote was not ready within ${options.startTimeoutMs} ms (startTimeoutMs)`;
    return new ZygoteStartError('ERR_START_TIMED_OUT', message, output);
  }
  if (first?.text !== undefined) {
    const { code, message } = JSON.parse(first.text) as ZygoteComplaint;
    return new ZygoteStartError(code, message, output);
  }
  if (exit.error) {
    const message = `the launcher could not be started: ${exit.error.message}`;
    return new ZygoteStartError('ERR_START_FAILED', message, output, { cause: exit.error });
  }
  if (exit.code === EXIT_SETUP && output !== '') {
    return new ZygoteStartError('ERR_SANDBOX_UNAVAILABLE', 'the sandbox could not be set up', output);
  }
  const how = describeExit(exit, output);
  return new ZygoteStartError('ERR_START_FAILED', `the zygote ended ${how} before it was ready`, output);
}
