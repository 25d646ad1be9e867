/** The control socket: requests to the zygote, replies from it, told apart by a token for each child. */
import { zygoteGone } from './errors.js';
import { native, REPLY_FAILED, REQUEST_CLONE, REQUEST_KILL, REQUEST_SIGNAL, type Reply } from './native.js';

export type Gone = 'died' | 'closed';

export interface ReplyListener {
  onReply(reply: Reply): void;
  /** There will be no more replies: the zygote has closed its end (`died`), or we have (`closed`). */
  onGone(how: Gone): void;
}

interface Request {
  readonly kind: number;
  readonly token: number;
  readonly signal: number;
  /** The child's end of its job socket, which is closed once sent; -1 for none. */
  readonly jobFd: number;
  /** By `performance.now()`. */
  readonly since: number;
}

/** How often a request is sent again that the kernel has no room for, in milliseconds. */
const RETRY_MS = 5;

/**
 * How long descriptors may be in the way of others, in milliseconds: so many may be on their way between processes of one user
 * (unix(7)), and land as they are received. As in native/launcher/stubs.c.
 */
export const IN_FLIGHT_MS = 5_000;

/** As if the zygote had said it. */
function failed(token: number, step: string, error: string): Reply {
  return {
    kind: REPLY_FAILED,
    token,
    step,
    error,
    pid: 0,
    exitCode: null,
    signal: null,
    userUs: 0,
    systemUs: 0,
    peakMemoryKb: 0,
    forbidden: -1,
    oomKills: 0,
    taskFails: 0,
    threads: 0,
    threadsLeftOut: 0,
  };
}

export class Control {
  readonly #fd: number;
  readonly #onZygote: ReplyListener;
  readonly #listeners = new Map<number, ReplyListener>();
  readonly #waiting: Request[] = [];
  #lastToken = 0;
  #retired = false;
  #gone: Gone | undefined;
  readonly #findEnd: () => Promise<string>;
  #end: Promise<string> | undefined;
  #endText = '';
  #retry: NodeJS.Timeout | undefined;

  /**
   * Owns `fd`. `onZygote` gets what is not about a child: readiness, or text from before that. `findEnd` is asked once, when the
   * zygote has died, how it did.
   */
  constructor(fd: number, onZygote: ReplyListener, findEnd: () => Promise<string>) {
    this.#fd = fd;
    this.#findEnd = findEnd;
    this.#onZygote = onZygote;
    native.setNonBlocking(fd);
    native.enableCredentials(fd);
    native.watch(fd, () => {
      this.#receive();
    });
  }

  /** @throws {ZygoteGoneError} */
  assertOpen(): void {
    if (this.#gone !== undefined) throw zygoteGone(this.#gone, this.#endText);
  }

  /** How the zygote ended that has died, for {@link zygoteGone}. */
  howItEnded(): Promise<string> {
    return (this.#end ??= this.#findEnd().then((text) => (this.#endText = text)));
  }

  /** Asks for a child. Owns `jobFd`. Returns the token by which the child is known from now on. */
  clone(jobFd: number, listener: ReplyListener): number {
    const token = (this.#lastToken = (this.#lastToken + 1) >>> 0 || 1);
    this.#listeners.set(token, listener);
    this.#send(REQUEST_CLONE, token, 0, jobFd);
    return token;
  }

  /** From now on `listener` hears of the child. */
  listen(token: number, listener: ReplyListener): void {
    if (this.#listeners.has(token)) this.#listeners.set(token, listener);
  }

  /** Sends a signal to the child alone. */
  signal(token: number, signal: number): void {
    this.#send(REQUEST_SIGNAL, token, signal);
  }

  /** SIGKILL for the child and all that it started. */
  kill(token: number): void {
    this.#send(REQUEST_KILL, token);
  }

  /** There will be no more replies for this child. */
  forget(token: number): void {
    this.#listeners.delete(token);
    this.#closeIfDone();
  }

  /** Ends the zygote as soon as it has no children any more. */
  retire(): void {
    this.#retired = true;
    this.#closeIfDone();
  }

  #closeIfDone(): void {
    if (this.#retired && this.#listeners.size === 0) this.close();
  }

  /** Ends the zygote, which ends all children. */
  close(how: Gone = 'closed'): void {
    if (this.#gone !== undefined) return;
    this.#gone = how;
    clearTimeout(this.#retry);
    native.unwatch(this.#fd);
    native.close(this.#fd);
    for (const { jobFd } of this.#waiting.splice(0)) if (jobFd >= 0) native.close(jobFd);
    const listeners = [...this.#listeners.values(), this.#onZygote];
    this.#listeners.clear();
    for (const listener of listeners) listener.onGone(how);
  }

  #send(kind: number, token: number, signal = 0, jobFd = -1): void {
    if (this.#gone === undefined)
      this.#waiting.push({ kind, token, signal, jobFd, since: performance.now() });
    else if (jobFd >= 0) native.close(jobFd);
    this.#flush();
  }

  /**
   * In order, but that nobody waits for somebody else's descriptors. What the kernel has no room for goes out later: with the
   * next reply, or after a while if none comes.
   */
  #flush(): void {
    const refused: Request[] = [];
    const held = new Set<number>();
    for (let i = 0; ;) {
      const request = this.#waiting[i];
      if (request === undefined) break;
      const { kind, token, signal, jobFd, since } = request;
      if (held.has(token) || (held.size > 0 && jobFd >= 0)) {
        held.add(token);
        i++;
        continue;
      }
      let full: string | null;
      try {
        full = native.sendRequest(this.#fd, kind, token, signal, jobFd);
      } catch {
        this.close('died'); // EPIPE: the zygote is gone
        return;
      }
      if (full === 'EAGAIN') break;
      if (full !== null && performance.now() - since < IN_FLIGHT_MS) {
        held.add(token);
        i++;
        continue;
      }
      this.#waiting.splice(i, 1);
      if (jobFd >= 0) native.close(jobFd);
      if (full !== null) refused.push(request);
    }
    if (this.#waiting.length > 0) {
      this.#retry ??= setTimeout(() => {
        this.#retry = undefined;
        this.#flush();
      }, RETRY_MS);
    }
    // Whoever is told may ask for something at once.
    for (const { token } of refused)
      this.#listeners.get(token)?.onReply(failed(token, 'sendmsg(clone)', 'ETOOMANYREFS'));
  }

  #receive(): void {
    while (this.#gone === undefined) {
      const reply = native.receiveReply(this.#fd);
      if (reply === undefined) break;
      if (reply === null) {
        this.close('died');
        return;
      }
      const listener =
        reply.text === undefined && reply.token !== 0 ? this.#listeners.get(reply.token) : this.#onZygote;
      listener?.onReply(reply);
    }
    this.#flush();
  }
}
