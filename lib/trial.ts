/** The first child of a zygote: it shows that children can be had and confined, and ends without having run anything. */
import { closeSync } from 'node:fs';
import type { Control } from './control.js';
import { native, REPLY_CLONED, REPLY_EXITED } from './native.js';

export interface TrialFailure {
  /** The system call, or the check, that failed. */
  readonly step: string;
  readonly errno: string;
}

/** Resolves with undefined if all is well; rejects if the zygote ends. */
export function tryChild(control: Control): Promise<TrialFailure | undefined> {
  return new Promise((resolve, reject) => {
    const [hostEnd, childEnd] = native.socketPair();
    let closed = false;
    const close = (): void => {
      // A child that finds its job socket closed has nothing to do.
      if (!closed) closeSync(hostEnd);
      closed = true;
    };
    const token = control.clone(childEnd, {
      onReply: (reply) => {
        close();
        if (reply.kind === REPLY_CLONED) return;
        control.forget(token);
        resolve(
          reply.kind === REPLY_EXITED
            ? undefined
            : { step: reply.step, errno: reply.error ?? 'unknown error' },
        );
      },
      onGone: () => {
        close();
        reject(new Error('the zygote ended while its first child was made'));
      },
    });
  });
}
