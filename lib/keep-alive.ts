/** Keeps the event loop alive while a call is pending, and only then: an idle zygote lets the host end. */
import { native } from './native.js';

let pending = 0;

export function beginCall(): void {
  if (pending++ === 0) native.setPollerRef(true);
}

export function endCall(): void {
  if (--pending === 0) native.setPollerRef(false);
}

/** As long as something is waited for. What it was read from counts too: a process may be gone before its pipes are. */
export function keepAliveUntil(settled: Promise<unknown>): void {
  beginCall();
  settled.then(endCall, endCall);
}

export function keptAlive<T>(pending: Promise<T>): Promise<T> {
  keepAliveUntil(pending);
  return pending;
}
