/** Calls a function that a preloaded module exports. */
import type { PreloadedTask } from '../protocol/messages.js';
import { preloadedFunction } from './entry.js';
import type { ModuleRegistry } from './modules.js';
import { leaveEndAlone } from './uncaught.js';

/**
 * An error ends the process as an uncaught one does in node.
 *
 * @param enter what has to be done before
 */
export function runEntry(task: PreloadedTask, registry: ModuleRegistry, enter: () => void): void {
  leaveEndAlone();
  // Out of the promise that the zygote started with: what goes wrong is uncaught, not a rejection of ours.
  setImmediate(() => {
    enter();
    const entry = preloadedFunction(registry, task, 'Zygote.spawnProcess()');
    const returned = entry(...task.args);
    // eslint-disable-next-line @typescript-eslint/no-floating-promises -- a rejection is the entry's own to answer for
    Promise.resolve(returned);
  });
}
