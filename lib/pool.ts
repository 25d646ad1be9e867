/**
 * Children that are cloned and confined ahead of demand and wait for a job. A spawn that finds one costs one message; one
 * that finds none waits for a clone, as it would without a pool.
 */
import { availableParallelism, freemem, totalmem } from 'node:os';
import type { Control, ReplyListener } from './control.js';
import { zygoteGone } from './errors.js';
import { native, REPLY_CLONED, REPLY_EXITED, type Reply } from './native.js';

export interface PoolSize {
  /** How many children are kept parked however little they are asked for. */
  readonly min: number;
  /** How many at the most, however much. */
  readonly max: number;
}

/** A child, parked or about to be. */
export interface TakenChild {
  readonly token: number;
  /** The host's end of its job socket. */
  readonly jobFd: number;
  /** Undefined if it is being cloned: then the listener hears of it. */
  readonly pid: number | undefined;
}

/** Why a child could not be parked. */
export interface ParkFailure {
  readonly step: string;
  readonly errno: string;
}

/** How long a child may wait unneeded before the pool gets smaller by one, in milliseconds. */
const SHRINK_AFTER_MS = 10_000;
/** How long to wait after a child that could not be parked, in milliseconds. */
const RETRY_AFTER_MS = 1_000;
/**
 * How long children at work may keep the pool from being refilled where they need all cores, in milliseconds. To clone a
 * child and to rehearse in it takes a core nearly as long, and they would wait for it.
 */
export const REFILL_AT_LATEST_MS = 25;
/** Below this share of free memory only the minimum is parked. */
const SCARCE_MEMORY = 0.1;

/** Whether children at work, and the host, leave a core for one more to be cloned and to rehearse on. */
export function leaveACore(atWork: number, cores: number): boolean {
  return atWork < Math.max(1, cores - 1);
}

type PoolControl = Pick<Control, 'clone' | 'listen' | 'forget'>;

interface Parked {
  readonly token: number;
  readonly jobFd: number;
  readonly pid: number;
}

export class Pool {
  readonly #control: PoolControl;
  readonly #cores: number;
  readonly #size: PoolSize;
  /** The oldest first. */
  readonly #parked: Parked[] = [];
  /** How many of the oldest are to be replaced. */
  #stale = 0;
  /** How many are to be parked, between the bounds. */
  #target: number;
  /** Whether one is being parked: one at a time, so that a spawn never waits behind more than one. */
  #busy = false;
  #isDue = false;
  #closed = false;
  #timer: NodeJS.Timeout | undefined;
  /** How many that were taken have not ended. */
  #atWork = 0;
  #refillTimer: NodeJS.Timeout | undefined;
  #lastMiss = performance.now();

  /** @param cores how many there are for host, zygote and children */
  constructor(control: PoolControl, size: PoolSize, cores = availableParallelism()) {
    this.#control = control;
    this.#cores = cores;
    this.#size = size;
    this.#target = size.min;
  }

  /** How many children are parked. */
  get parked(): number {
    return this.#parked.length;
  }

  /**
   * A parked child, or else a new one. From now on `listener` hears of it. The caller owns `jobFd`, and calls childEnded()
   * when the child has.
   */
  take(listener: ReplyListener): TakenChild {
    const parked = this.#shift();
    if (parked !== undefined) {
      this.#control.listen(parked.token, listener);
      this.#atWork++;
      this.#refillSoon();
      return parked;
    }
    if (this.#size.max > 0) {
      this.#lastMiss = performance.now();
      this.#target = Math.min(this.#size.max, this.#target + 1);
    }
    const [jobFd, childEnd] = native.socketPair();
    native.setNonBlocking(jobFd);
    const token = this.#control.clone(childEnd, listener);
    this.#atWork++;
    this.#refillSoon();
    return { token, jobFd, pid: undefined };
  }

  /** One that was taken has ended. */
  childEnded(): void {
    this.#atWork--;
    this.#refillSoon();
  }

  /**
   * Parks one child more. Resolves with the reason if that is not possible.
   *
   * @throws {ZygoteGoneError} if the zygote ends meanwhile
   */
  park(): Promise<ParkFailure | undefined> {
    return new Promise((resolve, reject) => {
      const [jobFd, childEnd] = native.socketPair();
      native.setNonBlocking(jobFd);
      const leave = (): void => {
        const index = this.#parked.findIndex((parked) => parked.token === token);
        // Once it is taken, its socket is somebody else's.
        if (index >= 0 || !arrived) native.close(jobFd);
        if (index >= 0) this.#parked.splice(index, 1);
        if (index >= 0 && index < this.#stale) this.#stale--;
        arrived = true;
      };
      let arrived = false;
      const token = this.#control.clone(childEnd, {
        onReply: (reply: Reply) => {
          if (reply.kind === REPLY_CLONED) {
            arrived = true;
            if (this.#closed) this.#drop({ token, jobFd });
            else this.#parked.push({ token, jobFd, pid: reply.pid });
            this.#dropStale();
            resolve(undefined);
            return;
          }
          leave();
          this.#control.forget(token);
          // One that died while it was parked; not at once, for the next may die of the same.
          if (!this.#closed) this.#later(RETRY_AFTER_MS);
          const ended = reply.kind === REPLY_EXITED;
          resolve({ step: ended ? 'park' : reply.step, errno: reply.error ?? 'unknown error' });
        },
        onGone: (how) => {
          leave();
          reject(zygoteGone(how));
        },
      });
    });
  }

  /** Keeps the pool filled from now on. */
  open(): void {
    this.#refillSoon();
  }

  /** Replaces those that are parked, one by one: new ones are cheaper. */
  renew(): void {
    this.#stale = this.#parked.length;
    this.#refillSoon();
  }

  /** No child is parked any more, and those that are end. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#refillTimer);
    for (const parked of this.#parked.splice(0)) this.#drop(parked);
  }

  #shift(): Parked | undefined {
    if (this.#stale > 0) this.#stale--;
    return this.#parked.shift();
  }

  /** One that another has come for. */
  #dropStale(): void {
    const stale = this.#stale > 0 ? this.#shift() : undefined;
    if (stale !== undefined) this.#drop(stale);
  }

  /** How many that are parked need not be replaced. */
  #fresh(): number {
    return this.#parked.length - this.#stale;
  }

  /** After whatever the host does now: who spawns goes first, and who gets a result. */
  #refillSoon(): void {
    if (this.#isDue || this.#busy || this.#closed || this.#fresh() >= this.#target) return;
    this.#isDue = true;
    setImmediate(() => {
      this.#isDue = false;
      if (this.#closed) return;
      if (leaveACore(this.#atWork, this.#cores)) {
        this.#refill();
        return;
      }
      this.#refillTimer ??= setTimeout(() => {
        this.#refill();
      }, REFILL_AT_LATEST_MS).unref();
    });
  }

  #refill(): void {
    clearTimeout(this.#refillTimer);
    this.#refillTimer = undefined;
    if (this.#busy || this.#closed || this.#fresh() >= this.#wanted()) return;
    this.#busy = true;
    this.park().then(
      (failure) => {
        this.#busy = false;
        if (failure === undefined) this.#refillSoon();
        else this.#later(RETRY_AFTER_MS);
      },
      () => {
        this.close();
      },
    );
    this.#later(SHRINK_AFTER_MS);
  }

  #wanted(): number {
    // Either way. How much memory is free is read from /proc/meminfo, which takes 0.1 ms.
    if (this.#target <= this.#size.min) return this.#target;
    const isScarce = freemem() / totalmem() < SCARCE_MEMORY;
    return isScarce ? Math.min(this.#size.min, this.#target) : this.#target;
  }

  /** Looks after a while whether the pool is larger than it has to be, or smaller. */
  #later(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      if (performance.now() - this.#lastMiss > SHRINK_AFTER_MS && this.#target > this.#size.min) {
        this.#target--;
        this.#dropSurplus();
        this.#later(SHRINK_AFTER_MS);
      }
      this.#refillSoon();
    }, ms).unref();
  }

  #dropSurplus(): void {
    if (this.#parked.length <= this.#target) return;
    const surplus = this.#parked.pop();
    if (surplus !== undefined) this.#drop(surplus);
  }

  /** A child that finds its job socket closed has nothing to do, and ends. */
  #drop({ token, jobFd }: Pick<Parked, 'token' | 'jobFd'>): void {
    native.close(jobFd);
    this.#control.forget(token);
  }
}
