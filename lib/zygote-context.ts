import type { Control } from './control.js';
import type { Pool } from './pool.js';
import type { Ended } from './running-child.js';
import type { ActiveSandbox, SandboxLimits } from './types.js';

/** What a call needs to know of the zygote. Which zygote serves may change between two looks at it. */
export interface ZygoteContext {
  readonly control: Control;
  readonly pool: Pool;
  /** Whether children have apache-arrow. */
  readonly hasArrow: boolean;
  readonly limits: Required<SandboxLimits>;
  readonly sandbox: ActiveSandbox;
  /** What holds the limit on memory. */
  readonly memory: ActiveSandbox['memory'];
  childStarted(): void;
  childEnded(ended: Ended): void;
}
