/** Zygotes and results, for tests that use real ones. */
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';
import type { Test } from 'tap';
import {
  Zygote,
  type ActiveSandbox,
  type Result,
  type SandboxOptions,
  type ZygoteOptions,
} from '../../lib/index.js';
import { SANDBOX_LAYERS } from '../../lib/layers.js';
import { eventually } from './eventually.js';

/** From where `preload` is resolved in tests: `./name.cjs` is test/fixtures/name. */
export const FIXTURES = fileURLToPath(new URL('../fixtures/', import.meta.url));

/** The variable by which all processes of one zygote are found again (helpers/processes.ts). */
export const MARK = 'NODESPAWNER_TEST_MARK';

/** A sandbox in which the programs of the host can be started. */
export const WITH_PROGRAMS: SandboxOptions = Object.freeze({
  profile: 'exec',
  files: ['/bin', '/usr', '/lib', '/lib64'],
});

/** No sandbox, but for what is always on. */
export const NO_SANDBOX: SandboxOptions = Object.freeze({ off: SANDBOX_LAYERS });

/** What the result of a child says that nothing confined. */
export const UNCONFINED: ActiveSandbox = Object.freeze({
  profile: 'compute',
  layers: [],
  off: SANDBOX_LAYERS,
  ownIds: false,
  memory: 'none',
});

/** No parked children, for tests that count processes and descriptors. */
export const NO_POOL = Object.freeze({ min: 0, max: 0 });

export function newMark(): string {
  return randomUUID();
}

/** A zygote that is closed when the test ends. Nothing is preloaded unless asked for. */
export async function startZygote(t: Test, options: ZygoteOptions = {}): Promise<Zygote> {
  const zygote = await Zygote.start({ preload: [], from: FIXTURES, ...options });
  t.teardown(() => zygote.close());
  return zygote;
}

/** For tests of what only then is so. */
export const whenWarm = (zygote: Pick<Zygote, 'isWarm'>): Promise<boolean> =>
  eventually('the zygote is warm', () => zygote.isWarm);

/** The result, known to have this status. */
export function expectStatus<S extends Result['status']>(
  result: Result,
  status: S,
): Extract<Result, { status: S }> {
  if (result.status !== status) {
    throw new Error(
      `the status should be ${status}: ${inspect(result, { depth: 4, maxStringLength: 2000 })}`,
    );
  }
  return result as Extract<Result, { status: S }>;
}

/** What the promise rejects with. */
export async function rejection(promise: Promise<unknown>): Promise<Error & { code?: unknown }> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof Error) return error;
    throw new Error(`rejected with no error: ${inspect(error)}`, { cause: error });
  }
  throw new Error('it should have been rejected');
}
