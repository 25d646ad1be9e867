/**
 * Does something without the warnings that Node's experimental features give: it is us who use them, not the code
 * whose stderr they would go to. Node gives each of them once, so it stays silent later on too.
 */
export function withoutExperimentalWarnings<T>(action: () => T): T {
  const descriptor = Object.getOwnPropertyDescriptor(process, 'emitWarning');
  const emitWarning = process.emitWarning.bind(process) as (...args: unknown[]) => void;
  process.emitWarning = (...args: unknown[]) => {
    if (!args.some(isExperimental)) emitWarning(...args);
  };
  try {
    return action();
  } finally {
    if (descriptor !== undefined) Object.defineProperty(process, 'emitWarning', descriptor);
  }
}

/** The type is given alone or among options. */
function isExperimental(arg: unknown): boolean {
  const type = typeof arg === 'object' && arg !== null ? (arg as { type?: unknown }).type : arg;
  return type === 'ExperimentalWarning';
}
