/**
 * Waits for what preloaded modules have begun and not finished, such as reading a file: cloned in the middle of it, every
 * child would go on with it, and with the descriptors that it uses.
 *
 * Not waited for: timers, which each child has for itself; servers, sockets and watchers, which never end, and which
 * sealing refuses.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { ZygoteAddon } from './addon.js';

/** How often to look, in milliseconds. */
const LOOK_MS = 1;

/** What is still under way after this time is left to sealing, which names what it can't carry. */
export async function untilQuiet(addon: ZygoteAddon, timeoutMs: number): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  do {
    await pause(LOOK_MS);
    // What was put off until the next turn of the event loop may begin something new.
    await new Promise(setImmediate);
  } while (addon.pendingRequests() > 0 && performance.now() < deadline);
}
