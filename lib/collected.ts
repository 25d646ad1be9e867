/** What happens to a child, or a zygote, whose handle nobody holds any more. */
const registry = new FinalizationRegistry<() => void>((kill) => {
  kill();
});

/**
 * @param kill must not hold the handle, nor come to hold it; an error does that was made where the handle was `this`
 * @returns to be called when there is nothing left to kill
 */
export function whenCollected(handle: object, kill: () => void): () => void {
  const token = {};
  registry.register(handle, kill, token);
  return () => {
    registry.unregister(token);
  };
}
