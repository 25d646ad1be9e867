/** The child's life, from the clone to its job. */
import fs from 'node:fs';
import type { ReceivedMessage, ZygoteAddon } from './addon.js';
import { doJob, type Workplace } from './do-job.js';
import { MAX_MESSAGE_BYTES, openTables } from './job.js';
import { freshRandom } from './random.js';
import { rehearse, type Rehearsal } from './rehearsal.js';

export interface Life extends Workplace {
  readonly addon: Workplace['addon'] &
    Pick<ZygoteAddon, 'hasMessage' | 'receiveMessage' | 'reportTouchedPages'>;
  /** Its job socket; of a scout, what it reports to. */
  readonly fd: number;
  readonly isScout: boolean;
  readonly rehearsal: Rehearsal;
  /** What a scout does besides, as a job. */
  readonly scoutRehearsal: Rehearsal;
}

const PAGE_BYTES = 4096;

function mapZeros({ addon }: Life): void {
  const zeros = fs.openSync('/dev/zero', 'r');
  const table = { name: 'zeros', place: { range: { fd: 0, offset: 0, length: PAGE_BYTES } } };
  openTables(addon, { bytes: Buffer.alloc(0), fds: [zeros] }, [table]);
}

/**
 * Does what a child does before its job, and once more as its job, and tells which pages it has written to: those of all
 * children are written to as well, nearly all of them.
 */
async function scout(life: Life): Promise<never> {
  const { addon, fd, rehearsal, scoutRehearsal } = life;
  for (const each of [rehearsal, scoutRehearsal, rehearsal]) {
    mapZeros(life);
    await rehearse(life, each);
  }
  addon.reportTouchedPages(fd);
  return addon.exitNow(0);
}

/** Waits for the job, and does it. */
export async function live(life: Life): Promise<void> {
  const { addon, fd, isScout, rehearsal } = life;
  freshRandom();
  if (isScout) return scout(life);
  // The job of a child that is cloned on demand is here already, and doesn't wait for a rehearsal.
  if (!addon.hasMessage(fd)) {
    mapZeros(life);
    await rehearse(life, rehearsal);
  }
  const message = addon.receiveMessage(fd, MAX_MESSAGE_BYTES);
  if (message === null) return addon.exitNow(0); // nobody wants us
  // SECURITY: over this socket descriptors could be sent to the host.
  fs.closeSync(fd);
  doJob(life, message);
}

/** In the zygote: a whole life, so that no child has to compile what only children do. */
export async function rehearseLife(life: Omit<Life, 'fd' | 'isScout'>, rehearsal: Rehearsal): Promise<void> {
  await rehearse(life, rehearsal, (workplace, message, fail) => {
    const addon = {
      ...life.addon,
      ...workplace.addon,
      hasMessage: (): boolean => false,
      receiveMessage: (): ReceivedMessage => message,
    };
    live({ ...life, ...workplace, addon, fd: fs.openSync('/dev/null', 'r'), isScout: false }).catch(fail);
  });
}
