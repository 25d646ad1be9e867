/** Loads the addon and gives its functions types. What they do is said in native/*.h. */
import { createRequire } from 'node:module';
import { addonPath } from './native-path.js';

/** `RequestKind` of native/control.h. */
export const REQUEST_CLONE = 1;
export const REQUEST_SIGNAL = 2;
export const REQUEST_KILL = 3;

/** `ReplyKind` of native/control.h. */
export const REPLY_CLONED = 1;
export const REPLY_EXITED = 2;
export const REPLY_FAILED = 3;
export const REPLY_READY = 4;
export const REPLY_REAPED = 5;
export const REPLY_WARM = 6;

/** A record of native/control.h. */
export interface Reply {
  readonly kind: number;
  readonly token: number;
  readonly pid: number;
  readonly exitCode: number | null;
  readonly signal: number | null;
  readonly userUs: number;
  readonly systemUs: number;
  readonly peakMemoryKb: number;
  readonly step: string;
  /** The number of the system call that the child was stopped at; -1 for none. */
  readonly forbidden: number;
  readonly oomKills: number;
  readonly taskFails: number;
  /** With REPLY_READY: threads that each child gets besides its main one. */
  readonly threads: number;
  readonly threadsLeftOut: number;
  readonly error: string | null;
  /** Set instead of all else: text that the zygote sent before it was sealed. */
  readonly text?: string;
}

/** The part of the addon that the host uses. */
export interface HostAddon {
  socketPair(): [number, number];
  pipe(): [readEnd: number, writeEnd: number];
  sendMessage(fd: number, bytes: Uint8Array, fds: readonly number[]): void;
  close(fd: number): void;
  setNonBlocking(fd: number): void;
  enableCredentials(fd: number): void;
  /** Null if it is sent, else why there is no room for it now: `EAGAIN` or `ETOOMANYREFS`. */
  sendRequest(fd: number, kind: number, token: number, signal: number, jobFd: number): string | null;
  receiveReply(fd: number): Reply | null | undefined;
  duplicate(fd: number): number;
  createMemfd(name: string): number;
  createFilledMemfd(
    name: string,
    pieces: readonly Uint8Array[],
    positions: readonly number[],
    seals: number,
  ): number;
  createEmptyMemfd(name: string, size: number, seals: number): number;
  closeMemfd(fd: number): void;
  addSeals(fd: number, seals: number): void;
  seekHole(fd: number): number;
  mapPrivate(fd: number, length: number): ArrayBuffer;
  unmap(mapping: ArrayBuffer): void;
  watch(fd: number, onReadable: () => void): void;
  unwatch(fd: number): void;
  collect(
    fd: number,
    maxBytes: number,
    stopAfter: number,
    onEnd: (bytes: Buffer, truncated: boolean, stopped: boolean, errno: number) => void,
  ): void;
  setPollerRef(ref: boolean): void;
}

export const native = createRequire(import.meta.url)(addonPath()) as HostAddon;

/** fcntl(2), F_ADD_SEALS. */
export const F_SEAL_SEAL = 0x1;
export const F_SEAL_SHRINK = 0x2;
export const F_SEAL_GROW = 0x4;
export const F_SEAL_WRITE = 0x8;
