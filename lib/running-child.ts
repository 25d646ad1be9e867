/** A child from the request to the last descendant: what both kinds of handle have in common. */
import { constants } from 'node:os';
import { IN_FLIGHT_MS, type Control, type Gone, type ReplyListener } from './control.js';
import { SpawnError, zygoteGone } from './errors.js';
import { hintFor } from './hints.js';
import type { JobMessage } from './job-message.js';
import { keepAliveUntil } from './keep-alive.js';
import { native, REPLY_CLONED, REPLY_EXITED, REPLY_REAPED, type Reply } from './native.js';
import type { CheckedProcessOptions } from './options.js';
import type { Pool, TakenChild } from './pool.js';
import { systemCallName } from './seccomp.js';
import type { Captured, Stdio } from './stdio.js';
import type { ActiveSandbox, Usage } from './types.js';
import type { ZygoteContext } from './zygote-context.js';

/** Why the host ended a child. The first reason counts. */
export type KillReason =
  | { readonly kind: 'timedOut' }
  | { readonly kind: 'canceled'; readonly reason: unknown }
  | { readonly kind: 'limitExceeded'; readonly limit: 'maxResultBytes' | 'outputBytes' };

export interface Ended extends Captured {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly killed: KillReason | null;
  readonly usage: Usage;
  readonly sandbox: ActiveSandbox;
  /** The name of a system call that is forbidden. */
  readonly forbidden: string | null;
  readonly oomKills: number;
  readonly taskFails: number;
}

// Of two names for one number (SIGABRT and SIGIOT) the first is the usual one, and a map keeps the last.
const SIGNAL_NAMES = new Map(
  Object.entries(constants.signals)
    .reverse()
    .map(([name, number]) => [number, name as NodeJS.Signals]),
);

function signalName(number: number | null): NodeJS.Signals | null {
  // Real-time signals have no names in Node.
  return number === null ? null : (SIGNAL_NAMES.get(number) ?? (`SIG${number}` as NodeJS.Signals));
}

/** How often a job is sent again while the kernel has too many descriptors in flight, in milliseconds. */
const RETRY_MS = 2;

/**
 * How many jobs may be on their way to children that are not there yet, which is quickest. Their descriptors count
 * against a limit for each user (unix(7)), that of a child if the host isn't root; the others wait until their child is
 * there.
 */
const MOST_SENT_EARLY = 8;
let jobsSentEarly = 0;

interface Settle {
  started: (pid: number) => void;
  startFailed: (error: Error) => void;
  reaped: (ended: Ended | PromiseLike<Ended>) => void;
  ended: (ended: Ended | PromiseLike<Ended>) => void;
  endFailed: (error: Error) => void;
}

export class RunningChild implements ReplyListener {
  /** Resolves with the pid, once the child is there. */
  readonly started: Promise<number>;
  /** Resolves when the child and all that it started are gone. Rejects only if the zygote is gone, or there is no child. */
  readonly ended: Promise<Ended>;
  /**
   * Resolves when no process is left that could run any of the child's code: before `ended` if it ended with exit code 0
   * and can't have started any. What its control groups have counted is not known then.
   */
  readonly reaped: Promise<Ended>;

  readonly #settle: Settle;
  readonly #control: Control;
  readonly #sandbox: ActiveSandbox;
  readonly #options: CheckedProcessOptions;
  readonly #stdio: Stdio;
  readonly #onSent: () => void;
  readonly #startedAt: number;
  readonly #token: number;
  readonly #timer: NodeJS.Timeout | undefined;
  #killed: KillReason | null = null;
  #isThere = false;
  #over = false;
  #left = false;
  /** Whether its job was sent before it was ready to receive one. */
  #early = false;
  readonly #pool: Pool;
  #unsent: { readonly jobFd: number; readonly job: JobMessage } | undefined;

  /**
   * @param job is owned, and closed in any case
   * @param onSent called when the host's copies of all that was sent may be closed
   * @throws {ZygoteGoneError}, or the reason of a signal that is aborted: then there is no child
   */
  constructor(
    context: ZygoteContext,
    options: CheckedProcessOptions,
    stdio: Stdio,
    job: JobMessage,
    startedAt: number,
    onSent: () => void,
  ) {
    const { control, pool } = context;
    try {
      // Whatever happened while the tables and the job were made ready.
      options.signal?.throwIfAborted();
      control.assertOpen();
    } catch (error) {
      job.close();
      throw error;
    }
    this.#control = control;
    this.#pool = pool;
    this.#sandbox = context.sandbox;
    this.#options = options;
    this.#stdio = stdio;
    this.#onSent = onSent;
    this.#startedAt = startedAt;
    const settle = {} as Settle;
    this.started = new Promise((resolve, reject) => {
      settle.started = resolve;
      settle.startFailed = reject;
    });
    this.ended = new Promise((resolve, reject) => {
      settle.ended = resolve;
      settle.endFailed = reject;
    });
    this.reaped = new Promise((resolve) => {
      settle.reaped = resolve;
    });
    this.#settle = settle;
    // Whoever asks for them gets the rejection; if nobody does, it is no reason to end the host.
    this.started.catch(() => undefined);
    this.ended.catch(() => undefined);
    this.reaped.catch(() => undefined);

    const child = takeOrClose(pool, this, job);
    keepAliveUntil(this.ended);
    this.#token = child.token;
    this.#unsent = { jobFd: child.jobFd, job };
    context.childStarted();
    void this.ended.then(
      (ended) => {
        context.childEnded(ended);
      },
      () => undefined,
    );
    if (child.pid !== undefined) {
      this.#start(child.pid);
    } else if (jobsSentEarly < MOST_SENT_EARLY) {
      this.#early = true;
      jobsSentEarly++;
      this.#sendUnsent();
    }
    if (this.#over) {
      // The zygote turned out to be gone.
      this.#dropUnsent();
      return;
    }
    if (options.timeoutMs !== Infinity) {
      const left = Math.max(1, options.timeoutMs - (performance.now() - startedAt));
      this.#timer = setTimeout(() => {
        this.kill({ kind: 'timedOut' });
      }, left);
    }
    options.signal?.addEventListener('abort', this.#onAbort, { once: true });
    stdio.onFlood = () => {
      this.kill({ kind: 'limitExceeded', limit: 'outputBytes' });
    };
  }

  readonly #onAbort = (): void => {
    this.kill({ kind: 'canceled', reason: this.#options.signal?.reason });
  };

  get isOver(): boolean {
    return this.#over;
  }

  /** SIGKILL for the child and all that it started. */
  kill(reason: KillReason | null): boolean {
    if (this.#over) return false;
    this.#killed ??= reason;
    this.#control.kill(this.#token);
    return true;
  }

  /** A signal for the child alone. */
  signal(signal: NodeJS.Signals): boolean {
    if (this.#over) return false;
    this.#control.signal(this.#token, constants.signals[signal]);
    return true;
  }

  onReply(reply: Reply): void {
    if (reply.kind === REPLY_CLONED) {
      this.#start(reply.pid);
      return;
    }
    if (reply.kind === REPLY_REAPED) {
      this.#settle.reaped(this.#endOf(reply));
      return;
    }
    if (reply.kind === REPLY_EXITED) {
      const ended = this.#endOf(reply);
      this.#leave();
      this.#settle.reaped(ended);
      this.#settle.ended(ended);
      // The zygote has said before that it was there; and to make an error takes 10 µs or more.
      if (!this.#isThere) this.#settle.startFailed(new SpawnError('clone', 'ECHILD'));
      return;
    }
    const errno = reply.error ?? 'unknown error';
    this.#fail(new SpawnError(reply.step, errno, hintFor(reply.step, errno)));
  }

  #endOf(reply: Reply): Ended | Promise<Ended> {
    const usage: Usage = {
      wallMs: performance.now() - this.#startedAt,
      userMs: reply.userUs / 1000,
      systemMs: reply.systemUs / 1000,
      peakMemoryBytes: reply.peakMemoryKb * 1024,
    };
    const exit = {
      exitCode: reply.exitCode,
      signal: signalName(reply.signal),
      killed: this.#killed,
      usage,
      sandbox: this.#sandbox,
      forbidden: reply.forbidden < 0 ? null : systemCallName(reply.forbidden),
      oomKills: reply.oomKills,
      taskFails: reply.taskFails,
    };
    const captured = this.#finish();
    return captured instanceof Promise
      ? captured.then((rest) => ({ ...exit, ...rest }))
      : { ...exit, ...captured };
  }

  onGone(how: Gone): void {
    if (how === 'closed') {
      this.#fail(zygoteGone(how));
      return;
    }
    void this.#finish();
    this.#leave();
    void this.#control.howItEnded().then((end) => {
      this.#fail(zygoteGone(how, end));
    });
  }

  #start(pid: number): void {
    this.#isThere = true;
    this.#settle.started(pid);
    this.#noLongerEarly();
    this.#sendUnsent();
  }

  #noLongerEarly(): void {
    if (this.#early) jobsSentEarly--;
    this.#early = false;
  }

  #sendUnsent(): void {
    const unsent = this.#unsent;
    this.#unsent = undefined;
    if (unsent !== undefined) this.#sendJob(unsent.jobFd, unsent.job);
  }

  #dropUnsent(): void {
    const unsent = this.#unsent;
    if (unsent === undefined) return;
    this.#unsent = undefined;
    native.close(unsent.jobFd);
    unsent.job.close();
    this.#onSent();
  }

  #fail(error: Error): void {
    void this.#finish();
    this.#leave();
    this.#settle.startFailed(error);
    this.#settle.endFailed(error);
    this.#settle.reaped(this.ended);
  }

  /** There will be no more replies. */
  #leave(): void {
    if (this.#left) return;
    this.#left = true;
    this.#control.forget(this.#token);
  }

  /** Nothing of the child can run any more. */
  #finish(): Captured | Promise<Captured> {
    if (!this.#over) {
      this.#over = true;
      clearTimeout(this.#timer);
      this.#options.signal?.removeEventListener('abort', this.#onAbort);
      this.#noLongerEarly();
      this.#dropUnsent();
      this.#pool.childEnded();
    }
    return this.#stdio.finish();
  }

  /** Owns `hostEnd`: the child has no use for it after its job, and neither have we. */
  #sendJob(hostEnd: number, job: JobMessage, refusedSince?: number): void {
    try {
      native.sendMessage(hostEnd, job.bytes, job.fds);
    } catch (error) {
      const { code = String(error) } = error as NodeJS.ErrnoException;
      // Descriptors in flight are limited for each user (unix(7)); they land as children receive them.
      const since = refusedSince ?? performance.now();
      if (!this.#over && code === 'ETOOMANYREFS' && performance.now() - since < IN_FLIGHT_MS) {
        setTimeout(() => {
          this.#sendJob(hostEnd, job, since);
        }, RETRY_MS);
        return;
      }
      // EPIPE: the child is gone already, and the zygote says why.
      if (code !== 'EPIPE' && code !== 'ECONNRESET') {
        this.kill(null);
        this.#fail(new SpawnError('sendmsg', code, hintFor('sendmsg', code)));
      }
    }
    native.close(hostEnd);
    job.close();
    this.#onSent();
  }
}

function takeOrClose(pool: Pool, listener: ReplyListener, job: JobMessage): TakenChild {
  try {
    return pool.take(listener);
  } catch (error) {
    job.close();
    throw error;
  }
}

/** What a system call of the host's own failed with, such as EMFILE, as the error that callers know; else the same. */
export function toSpawnError(error: unknown): unknown {
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (code === undefined || syscall === undefined) return error;
  return new SpawnError(syscall, code, hintFor(syscall, code), { cause: error });
}
