/** The part of the addon that the zygote and its children use. What the functions do is said in native/*.h. */
import { createRequire } from 'node:module';
import type { SandboxConfig } from '../protocol/start.js';

export interface ReceivedMessage {
  readonly bytes: Buffer;
  readonly fds: number[];
}

/** Who goes on. */
export interface Clone {
  /** The job socket of a child; of a scout, what it reports to; -1: it is the zygote itself. */
  readonly fd: number;
  readonly isScout: boolean;
}

export interface ZygoteAddon {
  takeBaseline(): void;
  sealAndServe(options: {
    readonly controlFd: number;
    readonly stubFd: number;
    readonly ringFd: number;
    readonly spareStubs: number;
    readonly idleTimeoutMs: number;
    readonly sandbox: Omit<SandboxConfig, 'filter'> & { readonly filter: Uint8Array };
  }): Clone;
  sealAgain(options: { readonly idleTimeoutMs: number; readonly isWarm: boolean }): Clone;
  isWanted(): boolean;
  reportTouchedPages(fd: number): void;
  pendingRequests(): number;
  resetStartTime(): boolean;
  processId(): number;
  reportOutOfMemory(fd: number, report: Uint8Array): boolean;
  exitNow(code: number): never;
  sendMessage(fd: number, bytes: Uint8Array, fds: readonly number[]): void;
  hasMessage(fd: number): boolean;
  receiveMessage(fd: number, maxBytes: number): ReceivedMessage | null;
  duplicateTo(from: number, to: number): void;
  mapPrivate(fd: number, length: number): ArrayBuffer;
  mapUncounted(fd: number, length: number): ArrayBuffer;
}

export function loadAddon(path: string): ZygoteAddon {
  return createRequire(__filename)(path) as ZygoteAddon;
}
