/** A promise that is settled from outside. Node 20 has no `Promise.withResolvers()`. */
export class Deferred<T> {
  readonly promise: Promise<T>;
  declare resolve: (value: T) => void;
  declare reject: (reason: unknown) => void;

  constructor() {
    this.promise = new Promise<T>((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }
}
