/** Work that can be interrupted: whoever takes its steps decides when, and what else is done in between. */
export type Steps<T> = Generator<undefined, T>;

/** All of it at once. */
export function allSteps<T>(steps: Steps<T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}
