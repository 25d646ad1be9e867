/** Somebody who could do nodespawner's work. Each does the same: work.ts. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { CallTimes, Contestant } from '../contestants.js';
import { checkSum } from '../work.js';

/** Ready to be measured. */
export interface Peer extends Contestant<CallTimes> {
  close?(): Promise<void>;
}

export interface PeerKind {
  readonly name: string;
  /** What keeps the code from the caller's memory, files and network. */
  readonly isolation: string;
  /** Whether it is quick enough to be measured as often as nodespawner. */
  readonly isQuick?: boolean;
  /** Rejects if it can't be had here; the message says why. */
  start(): Promise<Peer>;
}

export const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
/** Where the peers' own packages are installed. */
export const PEERS = `${ROOT}bench/peers/`;
/** Where files for the peers are written. */
export const BUILD = `${ROOT}build/bench/`;

/** Finds what is installed for the peers. */
export const requirePeer = createRequire(`${PEERS}package.json`);

/** Apache Arrow as one script that defines the global `Arrow`, for where there is no require(). */
export function arrowScript(): string {
  return readFileSync(`${ROOT}node_modules/apache-arrow/Arrow.es2015.min.js`, 'utf8');
}

/** A compiled file of this folder. */
export const fileHere = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** What steps answer: when their first line was, and the sum. */
export type Answer = readonly [reached: bigint | string, sum: string];

/** @param start by CLOCK_MONOTONIC, as the step's time is; @param end when the process or the like was gone */
export function timesOf([reached, sum]: Answer, start: bigint, end: bigint): CallTimes {
  checkSum(sum);
  const since = (time: bigint): number => Number(time - start) / 1e6;
  return { firstLineMs: since(BigInt(reached)), roundTripMs: since(end) };
}
