import type { Control } from './control.js';
import type { Pool } from './pool.js';
import type { SandboxLimits } from './types.js';

/** What a call needs to know of the zygote. */
export interface ZygoteContext {
  readonly control: Control;
  readonly pool: Pool;
  /** Whether children have apache-arrow. */
  readonly hasArrow: boolean;
  readonly limits: Required<SandboxLimits>;
}
