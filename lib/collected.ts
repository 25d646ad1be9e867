/** What happens to a child, or a zygote, whose handle nobody holds any more. */
const registry = new FinalizationRegistry<() => void>((kill) => {
  kill();
});

/** @param kill must not hold the handle */
export function whenCollected(handle: object, kill: () => void): void {
  registry.register(handle, kill, handle);
}

export function forgetCollected(handle: object): void {
  registry.unregister(handle);
}
