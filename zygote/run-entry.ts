/** Calls a function that a preloaded module exports. */
import type { PreloadedTask } from '../protocol/messages.js';
import type { ModuleRegistry } from './modules.js';

function findFunction(exports: unknown, name: string): ((...args: unknown[]) => unknown) | undefined {
  const named = (exports as Record<string, unknown> | undefined)?.[name];
  if (typeof named === 'function') return named as (...args: unknown[]) => unknown;
  // A CommonJS module that is a function itself.
  return name === 'default' && typeof exports === 'function' ? (exports as () => unknown) : undefined;
}

/**
 * An error ends the process as an uncaught one does in node.
 *
 * @param enter what has to be done before
 */
export function runEntry(task: PreloadedTask, registry: ModuleRegistry, enter: () => void): void {
  // Out of the promise that the zygote started with: what goes wrong is uncaught, not a rejection of ours.
  setImmediate(() => {
    enter();
    const { exports } = registry.get(task.specifier, 'Zygote.spawnProcess()', 'require');
    const entry = findFunction(exports, task.exportName);
    if (entry === undefined)
      throw new TypeError(`'${task.specifier}' exports no function named '${task.exportName}'`);
    const returned = entry(...task.args);
    // eslint-disable-next-line @typescript-eslint/no-floating-promises -- a rejection is the entry's own to answer for
    Promise.resolve(returned);
  });
}
